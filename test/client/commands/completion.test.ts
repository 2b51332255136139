import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { completionScript } from '../../../client/command-line/completion-script.js';
import { createProgram } from '../../../client/commands/program.js';
import { runCli } from '../../support/cli.js';

const program = await createProgram(['completion', 'bash']);

/** What bash offers for the last of these words. */
function offered(state: string, ...words: string[]): string[] {
  const ask = `source "$SAM_MIL_STATE/completion.bash"
COMP_WORDS=(sam-mil "$@"); COMP_CWORD=$#; _sam_mil; printf '%s\\n' "\${COMPREPLY[@]}"`;
  writeFileSync(join(state, 'completion.bash'), completionScript('bash', program));
  const env = { ...process.env, SAM_MIL_STATE: state };
  const text = execFileSync('bash', ['-c', ask, 'bash', ...words], { env }).toString();
  return text.split('\n').filter((line) => line !== '');
}

test('bash completes commands, subcommands, options and names of runs; files are left to bash', (context) => {
  const state = mkdtempSync(join(tmpdir(), 'sam-mil-completion-'));
  context.after(() => rmSync(state, { recursive: true }));
  mkdirSync(join(state, 'runs'));
  for (const run of ['study-20261130-174935-pu8', 'other-20261130-174935-abc'])
    writeFileSync(join(state, 'runs', `${run}.json`), '{}');
  assert.deepEqual(offered(state, 're').sort(), ['report', 'resume']);
  assert.deepEqual(offered(state, 'models', 'f'), ['fetch']);
  assert.deepEqual(offered(state, 'metrics', 'd'), ['diff']);
  assert.deepEqual(offered(state, 'run', '--pref'), ['--prefix']);
  assert.deepEqual(offered(state, 'models', 'import', '--acc'), ['--accept-digest']);
  assert.deepEqual(offered(state, 'logs', 'stu'), ['study-20261130-174935-pu8']);
  assert.deepEqual(offered(state, 'metrics', 'diff', 'other'), ['other-20261130-174935-abc']);
  assert.deepEqual(offered(state, 'status', 'la'), ['latest']);
  assert.deepEqual(offered(state, 'validate', 'stu'), []);
  assert.deepEqual(offered(state, 'status', '--work', 'stu'), []);
});

test('the script names every command, for every shell; an unknown shell is refused', async () => {
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const { code, stdout } = await runCli(tmpdir(), 'completion', shell);
    assert.equal(code, 0);
    for (const { name } of program.commands.map((one) => ({ name: one.name() })))
      assert.match(stdout, new RegExp(`\\b${name}\\b`));
  }
  assert.equal((await runCli(tmpdir(), 'completion', 'tcsh')).code, 2);
});
