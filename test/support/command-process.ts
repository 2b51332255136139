import { main } from '../../client/cli.js';

/**
 * A process that runs one command after the other, see `CommandLine`: a command takes milliseconds instead of
 * the second that a new process needs.
 */
let printed = { stdout: '', stderr: '', text: '' };
for (const name of ['stdout', 'stderr'] as const) {
  const stream = process[name];
  stream.setMaxListeners(0);
  stream.write = (chunk: string | Uint8Array) => {
    const part = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    printed[name] += part;
    printed.text += part;
    return true;
  };
}
process.on('message', (args: string[]) => {
  printed = { stdout: '', stderr: '', text: '' };
  process.exitCode = undefined;
  void main(args).then(() => process.send?.({ code: Number(process.exitCode ?? 0), ...printed }));
});
