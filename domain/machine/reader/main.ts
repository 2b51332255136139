import { dieWithParent } from '../threads/die-with-parent.js';
import { encodeError } from '../threads/wire-error.js';
import type { ReadRequest, ReadResponse } from './messages.js';

/** Entry point of a reader process: calls the requested functions, one at a time. */

async function answer({ module, name, args }: ReadRequest): Promise<ReadResponse> {
  try {
    const exported = (await import(module)) as Record<string, (...given: readonly unknown[]) => unknown>;
    return { value: (await exported[name](...args)) as never };
  } catch (error) {
    return { error: encodeError(error) };
  }
}

dieWithParent();
process.on('message', (request: ReadRequest) => {
  void answer(request).then((response) => {
    if (process.connected) process.send?.(response);
  });
});
process.on('disconnect', () => process.exit(0));
