import { main } from '../../client/cli.js';

/**
 * A process that runs one command after the other, see `CommandLine`: a command takes milliseconds instead of
 * the second that a new process needs.
 */
let text = '';
const collect = (chunk: string | Uint8Array) => {
  text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
  return true;
};
for (const stream of [process.stdout, process.stderr]) {
  stream.setMaxListeners(0);
  stream.write = collect;
}
process.on('message', (args: string[]) => {
  text = '';
  process.exitCode = undefined;
  void main(args).then(() => process.send?.({ code: Number(process.exitCode ?? 0), text }));
});
