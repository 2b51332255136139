import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ItemRecord } from '../../../domain/job.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { CommandSteps, errorOf } from '../../support/command-steps.js';
import { eventually } from '../../support/processes.js';
import { findPython } from '../../support/python.js';

const python = findPython([]);

const PRINT_ARGUMENTS = `
import json, sys
open('arguments.json', 'w').write(json.dumps(sys.argv[1:]))
`;

test(
  'arguments reach the program exactly as written: spaces, quotes, $, globs, line feeds and empty text',
  { skip: python.skip },
  async (context) => {
    const steps = await CommandSteps.open(context);
    const script = steps.file('print arguments.py', PRINT_ARGUMENTS);
    const literal = ['a b', '', `it's "quoted"`, '$HOME', '*', 'x\ny', '`id`', '{"a": 1}', '-1', '~', 'ä'];
    await steps.run({
      command: ['python3', '{script}', ...literal, 5, true, '{params.list}', '{params.text}'],
      script,
      params: { list: [1, 2], text: '{script}' },
      outputs: { arguments: 'arguments.json' },
    });
    const found = JSON.parse(readFileSync(steps.output('stage', 'arguments.json'), 'utf8')) as string[];
    assert.deepEqual(found, [...literal, '5', 'true', '[1,2]', '{script}']);
  },
);

test('a step runs again only if its script, an input, a parameter or the declared version changes', async (context) => {
  const steps = await CommandSteps.open(context);
  const script = steps.file('count.sh', 'wc -l < "$1" > lines.txt\n');
  const table = steps.file('table.csv', 'a\nb\n');
  const given = {
    command: ['sh', '{script}', '{inputs.table}'],
    script,
    inputs: { table },
    outputs: { lines: 'lines.txt' },
  };
  const how = async (more = {}) => (await steps.run({ ...given, ...more })).how;
  assert.equal(await how(), 'done');
  assert.equal(readFileSync(steps.output('stage', 'lines.txt'), 'utf8').trim(), '2');
  assert.equal(await how(), 'cached');
  assert.equal(await how({ 'non-retryable-codes': [3] }), 'cached', 'codes do not change the result');
  steps.file('count.sh', 'wc -l < "$1" > lines.txt # edited\n');
  assert.equal(await how(), 'done', 'the script was edited');
  steps.file('table.csv', 'a\nb\nc\n');
  assert.equal(await how(), 'done', 'the input was edited');
  assert.equal(await how({ version: '2' }), 'done', 'the version was changed');
  assert.equal(await how({ version: '2', params: { level: 1 } }), 'done', 'a parameter was added');
  assert.equal(await how({ version: '2', params: { level: 1 }, env: { A: '1' } }), 'done', 'a variable');
  assert.equal(readFileSync(steps.output('stage', 'lines.txt'), 'utf8').trim(), '3');
});

test(
  'a script in a folder finds its modules, and running it does not change the folder',
  { skip: python.skip },
  async (context) => {
    const steps = await CommandSteps.open(context);
    steps.file('main.py', 'import helper\nopen("out.txt", "w").write(helper.TEXT)\n');
    steps.file('helper.py', 'TEXT = "one"\n');
    const given = {
      command: ['python3', '{script}/main.py'],
      script: steps.folder,
      outputs: { out: 'out.txt' },
    };
    assert.equal((await steps.run(given)).how, 'done');
    assert.equal((await steps.run(given)).how, 'cached');
    steps.file('helper.py', 'TEXT = "two"\n');
    assert.equal((await steps.run(given)).how, 'done');
    assert.equal(readFileSync(steps.output('stage', 'out.txt'), 'utf8'), 'two');
    assert.deepEqual(readdirSync(steps.folder).sort(), ['helper.py', 'main.py']);
  },
);

test('items with the same output names publish into folders of their own, and so do linked results', async (context) => {
  const steps = await CommandSteps.open(context);
  const given = { command: ['touch', 'tables/t.csv'], outputs: { table: 'tables/t.csv' } };
  for (const item of ['one', 'two']) {
    const { receipt } = await steps.run(given, { stage: 'slides', item });
    assert.deepEqual(Object.keys(receipt.files), [`slides/${item}/tables/t.csv`]);
  }
  assert.equal((await steps.run(given, { stage: 'again', item: 'one' })).how, 'linked');
  assert.ok(existsSync(steps.output('again', 'one', 'tables', 't.csv')));
});

test('a program that cannot be started is said to be missing, not executable, or without interpreter', async (context) => {
  const steps = await CommandSteps.open(context);
  const plain = steps.file('plain.sh', 'echo\n');
  const lost = steps.file('lost.sh', '#!/no/such/interpreter\n');
  const cases: [string[], RegExp][] = [
    [['no-such-program-anywhere'], /was not found.*a program in PATH: /],
    [['/no/such/program'], /\/no\/such\/program: was not found.*check the path, and the interpreter/],
    [[plain], /may not be executed.*chmod \+x/],
    [['echo', 'a\0b'], /an argument contains a null character/],
    [['echo', 'x'.repeat(4 << 20)], /arguments and environment are too long/],
  ];
  for (const [command, message] of cases) {
    const error = await steps.failure({ command });
    assert.equal(error.code, 'InvalidInput', error.message);
    assert.match(error.message, message);
  }
  await steps.shell('chmod +x {params.a}', { params: { a: lost } });
  assert.match((await steps.failure({ command: [lost] })).message, /was not found.*the interpreter/);
});

test('a failure names the exit code or signal, and the last lines of standard error', async (context) => {
  const steps = await CommandSteps.open(context);
  const code = await errorOf(steps.shell('seq 1000 >&2; echo the reason >&2; exit 7'));
  assert.equal(code.code, 'CommandFailed');
  assert.ok(code.retryable);
  assert.match(code.message, /ended with exit code 7.*\n982\n.*1000\nthe reason/s);
  assert.ok(!code.message.includes('\n981\n'));
  const killed = await errorOf(steps.shell('kill -SEGV $$'));
  assert.match(killed.message, /ended by SIGSEGV.*it wrote no output/);
  for (const exit of [2, 64, 65, 66, 78]) {
    const final = await errorOf(steps.shell(`exit ${exit}`));
    assert.deepEqual([final.code, final.retryable], ['InvalidInput', false]);
  }
  const own = await errorOf(steps.shell('exit 9', { 'non-retryable-codes': [9] }));
  assert.match(own.message, /exit code 9.*not retried: 9 is one of its `non-retryable-codes`/);
  const failed = await errorOf(steps.shell('false | true; echo not reached'));
  assert.equal(failed.code, 'CommandFailed', 'a failure inside a pipe counts');
  assert.ok(!steps.logs.includes('not reached'));
});

test('an output that is missing, a folder, a link or outside the working folder is refused', async (context) => {
  const steps = await CommandSteps.open(context);
  const other = steps.file('other.txt', 'text');
  const cases: [string, RegExp][] = [
    ['true', /did not write its output `out`.*it does not exist/],
    ['mkdir {outputs.out}', /it is a folder/],
    ['ln -s {params.other} {outputs.out}', /it is a symbolic link/],
    ['mkfifo {outputs.out}', /it is not a regular file/],
    ['rmdir sub; ln -s {params.folder} sub; touch sub/out.txt', /it is in .*, outside/],
  ];
  for (const [command, message] of cases) {
    const params = { other, folder: steps.folder };
    const error = await errorOf(steps.shell(command, { params, outputs: { out: 'sub/out.txt' } }));
    assert.equal(error.code, 'ContractBroken', error.message);
    assert.match(error.message, message);
  }
  for (const path of ['/tmp/out', '../out', 'a/../../out', '.hidden', 'a//b', 'a\\b', 'a\nb']) {
    const error = await steps.failure({ command: ['true'], outputs: { out: path } });
    assert.equal(error.code, 'InvalidInput', path);
  }
  const twice = await steps.failure({ command: ['true'], outputs: { a: 'same', b: 'same' } });
  assert.match(twice.message, /`a` and `b`, which are one file/);
});

test('a hard link to an input is published as a copy, and an input that the program changes is noticed', async (context) => {
  const steps = await CommandSteps.open(context);
  const table = steps.file('table.csv', 'one\n');
  const outputs = { out: 'out.csv' };
  await steps.shell('ln {inputs.table} {outputs.out}', { inputs: { table }, outputs });
  assert.equal(statSync(table).nlink, 1);
  writeFileSync(table, 'two\n');
  assert.equal(readFileSync(steps.output('stage', 'out.csv'), 'utf8'), 'one\n');

  const script = 'cp {inputs.table} out.csv; echo more >> {inputs.table}';
  const error = await errorOf(steps.shell(script, { inputs: { table }, outputs }));
  assert.equal(error.code, 'Unavailable');
  assert.match(error.message, /an input changed/);
});

test('the environment holds the declared variables, a few of the worker, and no secret in any record', async (context) => {
  const steps = await CommandSteps.open(context);
  Object.assign(process.env, { TOKEN_OF_TEST: 'secret-of-test', OTHER_OF_TEST: 'not passed' });
  context.after(() => {
    delete process.env.TOKEN_OF_TEST;
    delete process.env.OTHER_OF_TEST;
  });
  const { receipt } = await steps.shell('env > env.txt; echo "token $TOKEN_OF_TEST" >&2', {
    env: { LEVEL: 3, OUT: '{outputs.env}', LANG: 'C' },
    'pass-env': ['TOKEN_OF_TEST'],
    outputs: { env: 'env.txt' },
  });
  const lines = readFileSync(steps.output('stage', 'env.txt'), 'utf8').split('\n');
  const names = lines.map((line) => line.split('=')[0]);
  for (const line of ['LEVEL=3', 'LANG=C', 'TOKEN_OF_TEST=secret-of-test', `PATH=${process.env.PATH}`])
    assert.ok(lines.includes(line), line);
  assert.ok(lines.some((line) => line.startsWith('OUT=/') && line.endsWith('/env.txt')));
  assert.ok(!names.includes('OTHER_OF_TEST') && !names.includes('NODE_CHANNEL_FD'), names.join());
  assert.ok(steps.logs.includes('token ***'), steps.logs.join('\n'));
  assert.ok(!JSON.stringify(receipt).includes('secret-of-test'));
  const missing = await steps.failure({ command: ['true'], 'pass-env': ['NO_SUCH_OF_TEST'] });
  assert.match(missing.message, /the worker has no environment variable NO_SUCH_OF_TEST/);
});

test('a shell runs only where it is asked for, and gets the values of placeholders as single words', async (context) => {
  const steps = await CommandSteps.open(context);
  assert.match((await steps.failure({ command: 'echo hi' })).message, /only a shell can run/);
  const list = await steps.failure({ command: ['echo'], shell: 'sh' });
  assert.match(list.message, /is a list, which is not run in a shell/);
  const text = `it's $HOME; touch injected "x" \n*`;
  for (const shell of ['sh', 'bash']) {
    const command = 'printf "%s" {params.text} > {outputs.out}; ls > files.txt';
    await steps.run({ command, shell, params: { text }, outputs: { out: 'o', files: 'files.txt' } });
    assert.equal(readFileSync(steps.output('stage', 'o'), 'utf8'), text);
    assert.equal(readFileSync(steps.output('stage', 'files.txt'), 'utf8'), 'files.txt\no\n');
  }
});

test('standard input is empty; standard output can become an output, byte for byte', async (context) => {
  const steps = await CommandSteps.open(context);
  const bytes = steps.file('bytes', '');
  writeFileSync(bytes, Buffer.from(Array.from({ length: 256 * 4096 }, (_, i) => i % 256)));
  await steps.run({
    command: ['sh', '-c', 'cat; cat "$1"; echo note >&2', 'sh', '{inputs.bytes}'],
    inputs: { bytes },
    outputs: { copy: 'copy.bin' },
    stdout: 'copy',
  });
  assert.deepEqual(readFileSync(steps.output('stage', 'copy.bin')), readFileSync(bytes));
  assert.deepEqual(steps.logs, ['note']);
});

test('the log takes binary output, redrawn lines and a last line without end, and says what it leaves out', async (context) => {
  const steps = await CommandSteps.open(context);
  await steps.shell(`printf 'a\\xff\\x1b[31mb\\n'; printf '10%%\\r90%%\\r100%%\\r\\n'; printf 'no end'`);
  assert.deepEqual(steps.logs, ['a\ufffdb', '100%', 'no end']);
  steps.logs.length = 0;
  await steps.shell('seq 3000000; head -c 30000000 /dev/zero | tr "\\0" x; exit 0');
  assert.ok(steps.logs.length < 21_000, `${steps.logs.length} lines`);
  assert.match(steps.logs.at(20_000) ?? '', /^\[29798\d\d lines of output left out: .* at most 20000 lines/);
  assert.match(steps.logs.at(-1) ?? '', /^x{2000} \[line cut\]$/);
});

test('a process that a program leaves behind is killed before its outputs are published', async (context) => {
  const steps = await CommandSteps.open(context);
  const pidFile = join(steps.folder, 'pid');
  const command =
    'echo ok > out.txt; (while :; do echo late >> out.txt; sleep 0.01; done) & echo $! > {params.pid}';
  const { receipt } = await steps.shell(command, { params: { pid: pidFile }, outputs: { out: 'out.txt' } });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  assert.ok(!isRunning(pid), 'the loop was killed');
  const [[path, { bytes }]] = Object.entries(receipt.files);
  await sleep(100);
  assert.equal(statSync(steps.output(path)).size, bytes);
});

/** A zombie has ended. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a stopped step ends the program and what it has started: with SIGTERM first, then with SIGKILL', async (context) => {
  const steps = await CommandSteps.open(context);
  for (const [stubborn, expected] of [
    [false, ['inner saved', 'outer saved']],
    [true, []],
  ] as const) {
    const saved = join(steps.folder, `saved-${stubborn}`);
    const pids = join(steps.folder, `pids-${stubborn}`);
    const trap = stubborn ? `trap '' TERM` : `trap 'echo "$1 saved" >> "$SAVED"; exit 0' TERM`;
    const part = `part() { ${trap}; echo $BASHPID >> "$PIDS"; while :; do sleep 0.02 || true; done; }`;
    const stop = new AbortController();
    const env = { SAVED: saved, PIDS: pids };
    const running = steps.shell(`${part}; part inner & part outer`, { env }, { signal: stop.signal });
    running.catch(() => undefined);
    const started = () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n') : []);
    await eventually('both run', () => started().length === 2);
    stop.abort(new Error('stopped by the test'));
    await assert.rejects(running, /stopped by the test/);
    for (const pid of started()) await eventually(`${pid} is gone`, () => !isRunning(Number(pid)));
    const lines = existsSync(saved) ? readFileSync(saved, 'utf8').trim().split('\n').sort() : [];
    assert.deepEqual(lines, expected);
  }
});

test('a silent program is ended by `stall`; one that only redraws a line is not', async (context) => {
  const steps = await CommandSteps.open(context);
  const run = (command: string) =>
    steps.chain.run({
      uses: 'pipeline.command',
      stage: 'stage',
      stall: '2s',
      with: { command, shell: 'sh' },
    });
  const silent = await errorOf(run('sleep 60'));
  assert.equal(silent.code, 'Stalled');
  await run('for i in 1 2 3 4 5 6 7 8; do printf "$i\\r"; sleep 0.5; done');
});

const RESUMABLE = `
import os, sys, time
folder = os.environ['SAM_MIL_CHECKPOINT']
state = os.path.join(folder, 'count')
count = int(open(state).read()) if os.path.exists(state) else 0
print('starting at', count)
while count < 5:
    count += 1
    with open(state + '.new', 'w') as file:
        file.write(str(count))
        file.flush()
        os.fsync(file.fileno())
    os.replace(state + '.new', state)
    if count == 3 and sys.argv[1:] == []:
        time.sleep(600)
open('count.txt', 'w').write(str(count))
`;

test(
  'after SIGKILL the next attempt continues from the checkpoint folder, which is removed with the publication',
  { skip: python.skip },
  async (context) => {
    const steps = await CommandSteps.open(context);
    const script = steps.file('resumable.py', RESUMABLE);
    const given = {
      command: ['python3', '{script}', '{params.none}'],
      script,
      params: { none: '' },
      outputs: { count: 'count.txt' },
    };
    const slow = { ...given, command: ['python3', '{script}'] };
    const running = errorOf(steps.run(slow));
    const checkpoints = steps.output('.checkpoints');
    const state = () => readdirSync(checkpoints).map((key) => join(checkpoints, key, 'count'));
    const at3 = () =>
      existsSync(checkpoints) &&
      state().some((file) => existsSync(file) && readFileSync(file, 'utf8') === '3');
    await eventually('it has saved 3', at3);
    for (const pid of steps.chain.engine.pool.pids) process.kill(pid, 'SIGKILL');
    assert.equal((await running).code, 'ChildCrashed');
    assert.ok(at3(), 'the checkpoint is kept');
    // The same step again: it continues at 3 and does not wait, because it does not count to 3 again.
    await steps.run(slow);
    assert.ok(steps.logs.includes('starting at 3'), steps.logs.join('\n'));
    assert.equal(readFileSync(steps.output('stage', 'count.txt'), 'utf8'), '5');
    assert.deepEqual(readdirSync(checkpoints), []);
    await steps.run(given);
    assert.ok(
      steps.logs.filter((line) => line === 'starting at 0').length === 2,
      'another key has no checkpoint',
    );
  },
);

test('the items of a stage arrive as lines of JSON with absolute paths, compared with their digests', async (context) => {
  const steps = await CommandSteps.open(context);
  const make = { command: ['cp', '{params.from}', 'value.txt'], outputs: { value: 'value.txt' } };
  const records: ItemRecord[] = [];
  for (const key of ['a', 'b']) {
    const from = steps.file(key, `${key} value\n`);
    const { receipt } = await steps.run({ ...make, params: { from } }, { stage: 'make', item: key });
    records.push({ key, fields: { label: key }, status: 'done', outputs: receipt.outputs });
  }
  const items = { all: steps.chain.items('make', records) };
  const join3 = { command: ['cp', '{items.all}', 'all.jsonl'], items, outputs: { all: 'all.jsonl' } };
  await steps.run(join3, { stage: 'join' });
  const lines = readFileSync(steps.output('join', 'all.jsonl'), 'utf8').trim().split('\n');
  const found = lines.map((line) => JSON.parse(line) as ItemRecord);
  assert.deepEqual(found[0], {
    key: 'a',
    status: 'done',
    fields: { label: 'a' },
    outputs: { value: steps.output('make', 'a', 'value.txt') },
  });
  writeFileSync(steps.output('make', 'b', 'value.txt'), 'other\n');
  const error = await errorOf(steps.run({ ...join3, version: '2' }, { stage: 'join' }));
  assert.equal(error.code, 'OutputDamaged', error.message);
});

test('an attempt that was replaced publishes nothing, however late it writes', async (context) => {
  const steps = await CommandSteps.open(context);
  const go = join(steps.folder, 'go');
  const wait = `echo {params.who} > {outputs.out}; while [ ! -e {params.go} ]; do sleep 0.02; done; echo {params.who} > {outputs.out}`;
  const outputs = { out: 'out.txt' };
  const late = errorOf(steps.shell(wait, { params: { who: 'late', go }, outputs }));
  const scratch = steps.output('.scratch');
  await eventually('the first attempt has written', () => {
    const names = existsSync(scratch) ? readdirSync(scratch, { recursive: true, encoding: 'utf8' }) : [];
    return names.some((name) => name.endsWith('files/out.txt'));
  });
  await steps.shell('echo new > {outputs.out}', { outputs });
  steps.file('go', '');
  assert.equal((await late).code, 'Superseded');
  assert.equal(readFileSync(steps.output('stage', 'out.txt'), 'utf8'), 'new\n');
});
