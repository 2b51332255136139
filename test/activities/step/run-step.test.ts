import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { claimPlace, type Claim } from '../../../domain/engine/store/fence.js';
import { publish, type Finished } from '../../../domain/engine/store/publish.js';
import { readReceipt } from '../../../domain/engine/store/receipts.js';
import { digestOfFile } from '../../../domain/digest.js';
import { smallDisk } from '../../support/small-disk.js';
import { control, readExecutions } from '../../support/stub-plugin.js';
import { leaseFor } from '../../support/lease.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function open(context: TestContext): Promise<{ work: string; steps: StubSteps }> {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  return { work, steps };
}

const PLACE = { stage: 'stage', item: 'item', step: 'step' };

test('up-to-date outputs are not made again; an edited, truncated or missing output is', async (context) => {
  const { work, steps } = await open(context);
  const output = join(work, 'stage', 'item.txt');
  const how = async () => (await steps.run('stub.light', { with: { text: 'abc' } })).how;
  assert.equal(await how(), 'done');
  assert.equal(await how(), 'cached');
  const damage: Record<string, () => void> = {
    edited: () => writeFileSync(output, 'abd\n'),
    truncated: () => truncateSync(output, 2),
    missing: () => rmSync(output),
    'edited with its old times': () => {
      const { atime, mtime } = statSync(output);
      writeFileSync(output, 'abx\n');
      utimesSync(output, atime, mtime);
    },
  };
  for (const [name, damageIt] of Object.entries(damage)) {
    damageIt();
    assert.equal(await how(), 'done', name);
    assert.equal(readFileSync(output, 'utf8'), 'abc\n', name);
    assert.equal(await how(), 'cached', name);
  }
  utimesSync(output, 1, 1);
  assert.equal(await how(), 'cached', 'touched, but with the same bytes');
});

test('the key covers parameters, input content and file name, but not the location or what changes only speed', async (context) => {
  const { work, steps } = await open(context);
  writeFileSync(join(work, 'in.txt'), 'one');
  const write = async (withs: Record<string, string>) => (await steps.run('stub.light', { with: withs })).how;
  assert.equal(await write({ from: 'in.txt' }), 'done');
  assert.equal(await write({ from: 'in.txt', text: 'hello' }), 'cached', 'a default given explicitly');
  assert.equal(await write({ from: join(work, 'in.txt') }), 'cached', 'the same file by another path');
  writeFileSync(join(work, 'in.txt'), 'two');
  assert.equal(await write({ from: 'in.txt' }), 'done', 'other content');
  mkdirSync(join(work, 'moved'));
  cpSync(join(work, 'in.txt'), join(work, 'moved', 'in.txt'));
  assert.equal(await write({ from: 'moved/in.txt' }), 'cached', 'moved');
  cpSync(join(work, 'in.txt'), join(work, 'other.txt'));
  assert.equal(await write({ from: 'other.txt' }), 'done', 'another name, which outputs may repeat');

  const count = async (each: number) =>
    (await steps.run('stub.count', { stage: 'count', with: { to: 2, 'each-ms': each } })).how;
  assert.equal(await count(1), 'done');
  assert.equal(await count(2), 'cached');
});

test('a renamed stage finds its outputs and links them', async (context) => {
  const { work, steps } = await open(context);
  await steps.run('stub.light', { with: { text: 'abc' } });
  const renamed = await steps.run('stub.light', { with: { text: 'abc' }, stage: 'renamed' });
  assert.equal(renamed.how, 'linked');
  assert.deepEqual(renamed.receipt.outputs.file, {
    path: 'renamed/item.txt',
    digest: await digestOfFile(join(work, 'stage', 'item.txt')),
    bytes: 4,
  });
  assert.equal(readFileSync(join(work, 'renamed', 'item.txt'), 'utf8'), 'abc\n');
  assert.equal(readExecutions(work).length, 1);
  const again = await steps.run('stub.light', { with: { text: 'abc' }, stage: 'renamed' });
  assert.equal(again.how, 'cached');
  writeFileSync(join(work, 'renamed', 'item.txt'), 'damaged');
  const third = await steps.run('stub.light', { with: { text: 'abc' }, stage: 'third' });
  assert.equal(third.how, 'done', 'a damaged original is not linked');
});

test('a moved work folder keeps its receipts', async (context) => {
  const { work, steps } = await open(context);
  await steps.run('stub.light', { with: { text: 'abc' } });
  const moved = temporaryFolder(context);
  cpSync(work, moved, { recursive: true });
  assert.equal((await steps.run('stub.light', { work: moved, with: { text: 'abc' } })).how, 'cached');
});

test('force repeats the work, once per run', async (context) => {
  const { steps } = await open(context);
  const run = async (run: string, force: boolean) => (await steps.run('stub.light', { run, force })).how;
  assert.equal(await run('one', false), 'done');
  assert.equal(await run('two', true), 'done');
  assert.equal(await run('two', true), 'cached');
});

test('an attempt that lost its claim but still ends publishes nothing', async (context) => {
  const { work, steps } = await open(context);
  control(work, 'item', { sleepMs: 300 });
  const cutOff = steps.run('stub.light', { with: { text: 'old' } });
  cutOff.catch(() => undefined);
  await sleep(150);
  control(work, 'item', {});
  const later = await steps.run('stub.light', { with: { text: 'new' } });
  await assert.rejects(cutOff, {
    code: 'Superseded',
    message: /a later attempt has taken over step of stage@item/,
  });
  assert.equal(readFileSync(join(work, 'stage', 'item.txt'), 'utf8'), 'new\n');
  assert.equal((await readReceipt(work, PLACE))?.key, later.receipt.key);
  assert.deepEqual(readdirSync(join(work, '.scratch', steps.lease.id, 'attempts', 'stage')), []);
});

test('a finished attempt that lost its place publishes neither files nor a receipt', async (context) => {
  const work = temporaryFolder(context);
  const finished = (claim: Claim): Finished => {
    const from = join(claim.scratch, 'out.txt');
    const ingredients = { activity: 'a.b', version: 1, name: 'item', with: {}, inputs: {}, hidden: {} };
    const result = { files: { file: { from, to: 'out.txt' } } };
    return { ingredients, folder: 'stage', result, made: { run: 'run', attempt: 1, seconds: 0 } };
  };
  const lease = await leaseFor(work);
  const first = await claimPlace(work, lease, PLACE);
  writeFileSync(finished(first).result.files.file.from, 'first');
  const second = await claimPlace(work, lease, PLACE);
  await assert.rejects(publish(first, finished(first)));
  assert.ok(!existsSync(join(work, 'stage')));
  assert.equal(await readReceipt(work, PLACE), undefined);
  writeFileSync(finished(second).result.files.file.from, 'second');
  await publish(second, finished(second));
  assert.equal(readFileSync(join(work, 'stage', 'out.txt'), 'utf8'), 'second');
});

test('a plugin that recreates its scratch folder after it lost its place still publishes nothing', async (context) => {
  const work = temporaryFolder(context);
  const lease = await leaseFor(work);
  const finished = (claim: Claim): Finished => {
    const from = join(claim.scratch, 'out.txt');
    mkdirSync(claim.scratch, { recursive: true });
    writeFileSync(from, claim.scratch);
    const ingredients = { activity: 'a.b', version: 1, name: 'item', with: {}, inputs: {}, hidden: {} };
    const result = { files: { file: { from, to: 'out.txt' } } };
    return { ingredients, folder: 'stage', result, made: { run: 'run', attempt: 1, seconds: 0 } };
  };
  const first = await claimPlace(work, lease, PLACE);
  const second = await claimPlace(work, lease, PLACE);
  await publish(second, finished(second));
  await assert.rejects(publish(first, finished(first)));
  assert.equal(readFileSync(join(work, 'stage', 'out.txt'), 'utf8'), second.scratch);

  const third = await claimPlace(work, lease, PLACE);
  await leaseFor(work, 'newer');
  await assert.rejects(publish(third, finished(third)), { code: 'TakenOver' });
  assert.equal(readFileSync(join(work, 'stage', 'out.txt'), 'utf8'), second.scratch);
  await assert.rejects(claimPlace(work, lease, PLACE), { code: 'TakenOver' }, 'the run as a whole has lost');
});

test('an attempt that loses its place between two of its renames leaves no file of its own in the end', async (context) => {
  const work = temporaryFolder(context);
  const lease = await leaseFor(work);
  const names = Array.from({ length: 60 }, (_, index) => `${index}.txt`);
  const finished = ({ scratch }: Claim, text: string): Finished => {
    for (const name of names) writeFileSync(join(scratch, name), text);
    const alongside = names.map((name) => ({ from: join(scratch, name), to: name }));
    const ingredients = { activity: 'a.b', version: 1, name: text, with: {}, inputs: {}, hidden: {} };
    const result = { files: {}, alongside };
    return { ingredients, folder: 'stage', result, made: { run: 'run', attempt: 1, seconds: 0 } };
  };
  let halfway = 0;
  for (let round = 0; round < 40 && halfway === 0; round++) {
    rmSync(join(work, 'stage'), { recursive: true, force: true });
    const first = await claimPlace(work, lease, PLACE);
    const losing = publish(first, finished(first, 'old'));
    losing.catch(() => undefined);
    while (!existsSync(join(work, 'stage'))) await sleep(0);
    const second = await claimPlace(work, lease, PLACE);
    const lost = await losing.then(
      () => false,
      () => true,
    );
    if (lost && existsSync(join(work, 'stage', names[0]))) halfway++;
    const receipt = await publish(second, finished(second, `new ${round}`));
    for (const name of names) {
      assert.equal(readFileSync(join(work, 'stage', name), 'utf8'), `new ${round}`);
    }
    assert.deepEqual(await readReceipt(work, PLACE), receipt);
  }
  assert.equal(halfway, 1, 'one attempt was caught in the middle');
});

test('a claim removes only folders of the same place', async (context) => {
  const work = temporaryFolder(context);
  const lease = await leaseFor(work);
  const other = await claimPlace(work, lease, { ...PLACE, item: 'item2' });
  const first = await claimPlace(work, lease, PLACE);
  const second = await claimPlace(work, lease, PLACE);
  assert.ok(!existsSync(first.scratch));
  assert.ok(existsSync(second.scratch) && existsSync(other.scratch));
});

test('a step resumes from its checkpoint, which is removed when the step ends', async (context) => {
  const { work, steps } = await open(context);
  const stopped = new AbortController();
  const parts = { with: { to: 20, 'each-ms': 60 } };
  const first = steps.run('stub.count', parts, {
    signal: stopped.signal,
    onProgress: ({ done }) => {
      if (done >= 5) stopped.abort(new Error('stopped'));
    },
  });
  await assert.rejects(first, /stopped/);
  const said: string[] = [];
  await steps.run('stub.count', parts, { onLog: (_, message) => said.push(message) });
  assert.match(said[0], /resumes from ([5-9]|1[0-9])$/);
  const numbers = Array.from({ length: 20 }, (_, index) => `${index + 1}\n`).join('');
  assert.equal(readFileSync(join(work, 'stage', 'item.txt'), 'utf8'), numbers);
  assert.deepEqual(readdirSync(join(work, '.checkpoints')), []);
});

test('a checkpoint that another place finished and removed leads to a retry, not to an error of the input', async (context) => {
  const { work, steps } = await open(context);
  const parts = { with: { to: 20, 'each-ms': 20 } };
  const checkpoints = join(work, '.checkpoints');
  const first = steps.run('stub.count', parts, {
    onProgress: ({ done }) => {
      // Renamed, since the child may write into the folder while it is removed.
      if (done >= 3 && existsSync(checkpoints)) renameSync(checkpoints, join(work, 'taken'));
    },
  });
  await assert.rejects(first, {
    code: 'Superseded',
    retryable: true,
    message: /the same work was finished by another step/,
  });
  assert.equal((await steps.run('stub.count', parts)).how, 'done');
});

test('an input that changed during the work leaves no receipt', async (context) => {
  const { work, steps } = await open(context);
  const source = join(work, 'in.txt');
  writeFileSync(source, 'old');
  control(work, 'item', { sleepMs: 400 });
  const first = steps.run('stub.write', { with: { from: 'in.txt' } });
  const deadline = Date.now() + 20_000;
  while (readExecutions(work).length === 0 && Date.now() < deadline) await sleep(10);
  writeFileSync(source, 'new');
  await assert.rejects(first, {
    code: 'Unavailable',
    message: /input changed while the step was reading it.*input from \(in\.txt\) has different content/,
  });
  assert.equal(await readReceipt(work, PLACE), undefined);
  assert.deepEqual(readdirSync(join(work, '.checkpoints')), []);
  assert.equal((await steps.run('stub.write', { with: { from: 'in.txt' } })).how, 'done');
  assert.equal(readFileSync(join(work, 'stage', 'item.txt'), 'utf8'), 'newhello\n');
});

test('children are warm, replaced after a crash or a stop, and killed when they do not stop', async (context) => {
  const { work, steps } = await open(context);
  const pidOf = () => readExecutions(work).at(-1)?.split(' ')[2];
  const run = (item: string) => steps.run('stub.write', { item });
  await run('a');
  const first = pidOf();
  await run('b');
  assert.equal(pidOf(), first, 'used again');
  control(work, 'c', { crashTimes: 1 });
  await assert.rejects(run('c'), {
    code: 'ChildCrashed',
    message: /^worker process crashed \(SIGSEGV\).*last words of the child/s,
  });
  await run('c');
  assert.notEqual(pidOf(), first);

  control(work, 'd', { sleepMs: 60_000 });
  const stopped = new AbortController();
  const deaf = steps.run('stub.write', { item: 'd' }, { signal: stopped.signal });
  setTimeout(() => stopped.abort(new Error('stop it')), 300);
  await assert.rejects(deaf, /stop it/);
  assert.deepEqual(steps.engine.pool.pids, [], 'the child that did not listen is gone from the pool');
});

test('outputs that break the contract are refused by name', async (context) => {
  const { work, steps } = await open(context);
  await steps.run('stub.light', { item: 'large', with: { text: 'small' } });
  control(work, 'large', { bytes: 20_000 });
  await assert.rejects(steps.run('stub.light', { item: 'large' }), { code: 'OutputTooLarge' });
  assert.equal(readFileSync(join(work, 'stage', 'large.txt'), 'utf8'), 'small\n', 'the existing file stays');
  await assert.rejects(
    steps.run('stub.light', { with: { to: '../elsewhere' } }),
    /leaves the stage's folder/,
  );
  await assert.rejects(steps.run('stub.light', { with: { txt: 'a', text: 1 } }), (error: Error) => {
    return /has no key `txt`/.test(error.message) && /`text` must be text/.test(error.message);
  });
  await assert.rejects(
    steps.run('stub.light', { with: { from: 'nowhere.txt' } }),
    /nowhere\.txt: the file does not exist/,
  );
  await steps.run('stub.light', { step: 'one' });
  await assert.rejects(
    steps.run('stub.light', { step: 'two', with: { text: 'b' } }),
    /steps `one` and `two` write to the same file/,
  );
});

test('a slide replaced between two steps of an item is refused by name until the first step has read it again', async (context) => {
  const { work, steps } = await open(context);
  const slide = join(work, 'a.svs');
  writeFileSync(slide, 'one');
  const cut = () => steps.run('stub.light', { step: 'patch', with: { from: slide, to: 'a.h5' } });
  const follow = ({ receipt }: Awaited<ReturnType<typeof cut>>) => {
    const given = { slide, patches: receipt.outputs.file, segmenter: 'watershed' };
    return steps.run('pathology.segment', { step: 'segment', with: given });
  };
  const first = await cut();
  await assert.rejects(
    follow(first),
    /a\.svs: neither OpenSlide nor libvips/,
    'the same slide: on to the work',
  );
  writeFileSync(slide, 'another');
  await assert.rejects(follow(first), {
    code: 'InvalidInput',
    message:
      /a\.svs: the file was replaced after `patch` read it; expected sha256:.* which stage\/a\.h5\/item\.txt was made from/,
  });
  await assert.rejects(follow(await cut()), /a\.svs: neither OpenSlide nor libvips/);
});

test('an output folder on another disk is refused by name, and nothing half-written remains', async (context) => {
  const { work, steps } = await open(context);
  const disk = smallDisk(context, 64);
  if (disk === undefined) return;
  mkdirSync(join(work, 'stage'));
  assert.equal(spawnSync('mount', ['--bind', disk, join(work, 'stage')]).status, 0);
  try {
    await assert.rejects(steps.run('stub.light', {}), {
      code: 'InvalidInput',
      message: /stage\/item\.txt: its folder is on a different disk than the work folder/,
    });
  } finally {
    spawnSync('umount', [join(work, 'stage')]);
  }
  assert.deepEqual(readdirSync(disk), []);
});

test('a published copy that was removed or edited is made again', async (context) => {
  const { work, steps } = await open(context);
  const source = join(work, 'table.csv');
  const copy = join(work, 'published', 'table.csv');
  writeFileSync(source, 'a,b\n');
  const how = async () => {
    const parameters = { files: [source], to: 'published', overwrite: true };
    return (await steps.run('pipeline.copy', { with: parameters })).how;
  };
  assert.equal(await how(), 'done');
  assert.equal(await how(), 'cached');
  rmSync(copy);
  assert.equal(await how(), 'done');
  writeFileSync(copy, 'c,d\n');
  assert.equal(await how(), 'done');
  assert.equal(readFileSync(copy, 'utf8'), 'a,b\n');
  assert.equal(await how(), 'cached');
});
