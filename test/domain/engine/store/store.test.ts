import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { cacheKey, type Ingredients } from '../../../../domain/engine/store/cache-key.js';
import { companionFiles } from '../../../../domain/pathology/slides/slide-files.js';
import { DigestCache, digestOfInput } from '../../../../domain/engine/store/digest-cache.js';
import { isFresh } from '../../../../domain/files/file-stamp.js';
import { firstDifference } from '../../../../domain/engine/store/explain.js';
import {
  insideWork,
  keyProblem,
  receiptPath,
  relativeToWork,
} from '../../../../domain/engine/store/paths.js';
import { claimPlace } from '../../../../domain/engine/store/fence.js';
import { leftoverAttempts, releaseLease } from '../../../../domain/engine/store/lease.js';
import { appendEvent, readEvents, type RunEvent } from '../../../../domain/engine/store/run-events.js';
import { leaseFor } from '../../../support/lease.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

test('keys that are not valid file names are rejected with a reason', () => {
  for (const key of ['tumor_001', 'TCGA-A1-A0SB-01Z-00-DX1.B34C', 'Schnitt äöü (2)', 'a@b']) {
    assert.equal(keyProblem(key), undefined, key);
  }
  for (const key of ['', '.', '..', '.hidden', '../up', 'a/b', 'a\\b', 'a\nb', ' a', 'x'.repeat(201)]) {
    assert.ok(keyProblem(key), key);
  }
  assert.throws(
    () => receiptPath('/work', { stage: 's', item: '../x', step: 'p' }),
    /`..\/x` is not a valid file name/,
  );
});

test('references stay inside the work folder', () => {
  assert.equal(insideWork('/w', 'a/b.h5'), join('/w', 'a', 'b.h5'));
  assert.equal(insideWork('/w', 'a/../b.h5'), join('/w', 'b.h5'));
  for (const path of ['', '/etc/passwd', '..', '../x', 'a/../../x']) {
    assert.throws(() => insideWork('/w', path), /leaves the work folder/, path);
  }
  assert.equal(relativeToWork('/w', '/w/a/b'), 'a/b');
  assert.equal(relativeToWork('/w', '/work/a'), undefined);
});

test('a digest is stored until the file changes, also across processes', async (context) => {
  const work = temporaryFolder(context);
  const file = join(temporaryFolder(context), 'slide.svs');
  writeFileSync(file, 'one');
  const cache = new DigestCache(work);
  await sleep(150);
  const first = await cache.digest(file);
  assert.equal(await cache.digest(file), first);
  assert.equal(await new DigestCache(work).known(file), first);
  writeFileSync(file, 'two');
  utimesSync(file, 1, 1);
  assert.equal(await cache.known(file), undefined);
  assert.notEqual(await cache.digest(file), first);
  rmSync(file);
  await assert.rejects(cache.digest(file), /slide\.svs: the file does not exist/);
});

test('the stamp of a file that has just been written is not trusted', () => {
  const stamp = { bytes: 3, mtimeNs: '0', ctimeNs: '5000000000', inode: '1' };
  assert.equal(isFresh(stamp, 5_050), true);
  assert.equal(isFresh(stamp, 5_150), false);
});

test(
  'an error for a file without read permission names the file',
  { skip: process.getuid?.() === 0 && 'root can read everything' },
  async (context) => {
    const work = temporaryFolder(context);
    writeFileSync(join(work, 'slide.svs'), 'x');
    chmodSync(join(work, 'slide.svs'), 0);
    await assert.rejects(
      new DigestCache(work).digest(join(work, 'slide.svs')),
      /slide\.svs: the user has no permission to read it \(EACCES\)/,
    );
  },
);

test('the digest of a folder covers names and contents; the digest of a slide covers all its files', async (context) => {
  const work = temporaryFolder(context);
  const folder = join(work, 'data');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'a.txt'), 'a');
  writeFileSync(join(folder, 'sub', 'b.txt'), 'b');
  const digest = (path: string) => digestOfInput(new DigestCache(work), path, 'read', companionFiles);
  const before = await digest(folder);
  writeFileSync(join(folder, '.hidden'), 'x');
  assert.equal(await digest(folder), before);
  writeFileSync(join(folder, 'sub', 'b.txt'), 'c');
  assert.notEqual(await digest(folder), before);

  writeFileSync(join(work, 'data.mrxs'), 'index');
  const slide = await digest(join(work, 'data.mrxs'));
  writeFileSync(join(folder, 'a.txt'), 'other pixels');
  assert.notEqual(await digest(join(work, 'data.mrxs')), slide);

  // The new content has the same size, as with uncompressed tiles.
  const index = 'ImageFile=v-0.jpg\n';
  writeFileSync(join(work, 'v.vms'), index);
  writeFileSync(join(work, 'v-0.jpg'), 'pixels');
  const vms = await digest(join(work, 'v.vms'));
  writeFileSync(join(work, 'v-0.jpg'), 'others');
  assert.notEqual(await digest(join(work, 'v.vms')), vms);
});

test('the first difference is reported, causes before consequences', () => {
  const base: Ingredients = {
    activity: 'pathology.patch',
    version: 1,
    name: 'a',
    with: { 'patch-size': 512 },
    inputs: { slide: { digest: 'sha256:1', name: 'a.svs' } },
    hidden: {},
  };
  const difference = (change: Partial<Ingredients>) => firstDifference(base, { ...base, ...change });
  assert.equal(difference({}), undefined);
  assert.equal(difference({ version: 2 }), 'pathology.patch version 1 -> 2');
  assert.equal(difference({ with: { 'patch-size': 256 } }), 'with patch-size: 512 -> 256');
  assert.equal(difference({ with: {} }), 'with patch-size: 512 -> (not given)');
  const other = { slide: { digest: 'sha256:2', name: 'a.svs' } };
  assert.equal(difference({ inputs: other }), 'input slide (a.svs) has different content');
  assert.match(difference({ hidden: { encoder: 'sha256:3' } }) ?? '', /^weights encoder: /);
  for (const change of [
    { version: 2 },
    { with: {} },
    { inputs: other },
    { hidden: { a: 1 } },
    { name: 'b' },
  ]) {
    assert.notEqual(cacheKey({ ...base, ...change }), cacheKey(base));
  }
});

test('what is left of attempts does not include the private folder of the current lease', async (context) => {
  const work = temporaryFolder(context);
  const place = { stage: 's', item: 'i', step: 'p' };
  const { id } = await leaseFor(work);
  mkdirSync(join(work, '.scratch', '.revoked-1'));
  assert.deepEqual(await leftoverAttempts(work), [join(work, '.scratch', '.revoked-1')]);
  const claim = await claimPlace(work, await leaseFor(work), place);
  const stages = [claim.sealed, claim.scratch].map((folder) => dirname(folder));
  assert.deepEqual(await leftoverAttempts(work), stages);
  assert.ok(!existsSync(join(work, '.scratch', id)), 'the earlier lease has ended');
  await releaseLease(work, 'run');
  assert.deepEqual(readdirSync(join(work, '.scratch')), []);
});

test('events of several workers are read in order, and an incomplete last line is ignored', async (context) => {
  const work = temporaryFolder(context);
  const event = (time: string): RunEvent => {
    return { time, stage: 's', item: 'i', step: 'p', attempt: 1, event: 'done', host: 'h', pid: 1 };
  };
  await appendEvent(work, 'run', 'one', event('2026-01-01T00:00:00Z'));
  assert.deepEqual(readdirSync(work), [], 'nothing recreates a folder that was moved away');
  mkdirSync(join(work, '.runs', 'run'), { recursive: true });
  await appendEvent(work, 'run', 'one', event('2026-01-01T00:00:02Z'));
  await appendEvent(work, 'run', 'two', event('2026-01-01T00:00:01Z'));
  writeFileSync(join(work, '.runs', 'run', 'events', 'three.jsonl'), '{"time":"2026-01-01T00:0');
  const times = (await readEvents(work, 'run')).map(({ time }) => time.slice(-3));
  assert.deepEqual(times, ['01Z', '02Z']);
});
