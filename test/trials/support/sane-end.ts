import type { Command } from './command.js';

/**
 * Returns why a command did not end as a command must, however bad its input is: in time, with a documented
 * exit code, without a crash and without blaming itself; undefined if it did. Bad input is named together
 * with what to do next.
 */
export function saneEnd({ alive, code, output }: Command): string | undefined {
  if (alive) return 'does not end';
  if (typeof code !== 'number' || ![0, 1, 2, 3].includes(code)) return `exit code ${code}`;
  const blame = /.*(bug in sam-mil|fault of sam-mil|Internal:|AssertionError|^ +at .+:\d+:\d+).*/m.exec(
    output,
  );
  if (blame !== null) return blame[0].trim().slice(0, 200);
  return code === 0 || output.trim() !== '' ? undefined : `exit code ${code} without a word`;
}
