import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../../../domain/digest.js';
import { run } from '../../../../domain/pipeline/copy/copy.js';
import type { CopyWith } from '../../../../domain/pipeline/copy/parameters.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../../mil/support.js';
import { fileRef, record, writeRecords } from '../report/support.js';

type Test = { after(done: () => void): void };

function setUp(t: Test, options: Partial<CopyWith> = {}) {
  const work = temporaryFolder(t);
  for (const key of ['a', 'b']) {
    mkdirSync(join(work, 'stage', key), { recursive: true });
    writeFileSync(join(work, 'stage', key, 'table.csv'), `rows of ${key}\n`);
    writeFileSync(join(work, 'stage', key, `${key}.h5`), `h5 of ${key}`);
  }
  const items = ['a', 'b'].map((key) =>
    record(
      key,
      {},
      { table: fileRef(work, `stage/${key}/table.csv`), h5: fileRef(work, `stage/${key}/${key}.h5`) },
    ),
  );
  const skipped = { ...record('c', {}, {}), status: 'skipped' as const };
  const parameters: CopyWith = {
    items: inputFile(writeRecords(work, 'items.jsonl', [...items, skipped])),
    outputs: ['h5'],
    to: join(work, 'out'),
    layout: 'flat',
    overwrite: false,
    ...options,
  };
  return makeJob(t, parameters, { work });
}

test('copies files and the outputs of finished items completely and lists their digests', async (t) => {
  const job = setUp(t);
  const file = inputFile(join(job.work, 'stage/a/table.csv'));
  const result = await run({ ...job, with: { ...job.with, files: [file] } });
  assert.deepEqual(readdirSync(job.with.to).sort(), ['a.h5', 'b.h5', 'table.csv']);
  assert.equal(readFileSync(join(job.with.to, 'b.h5'), 'utf8'), 'h5 of b');
  const list = JSON.parse(readFileSync(result.files.list.from, 'utf8')) as {
    files: { path: string; digest: string }[];
  };
  assert.deepEqual(list.files[0], { path: 'a.h5', digest: digestOf('h5 of a') });
  assert.deepEqual(result.values?.count, 3);
});

test('a relative target is inside the work folder, and `by-item` separates equal names', async (t) => {
  const job = setUp(t, { outputs: ['table'], to: 'published', layout: 'by-item' });
  await run(job);
  assert.equal(readFileSync(join(job.work, 'published/b/table.csv'), 'utf8'), 'rows of b\n');
});

test('files with the same content are left alone; other content is refused before any write', async (t) => {
  const job = setUp(t);
  await run(job);
  const before = statSync(join(job.with.to, 'a.h5')).mtimeMs;
  assert.equal((await run(job)).values?.written, 0);
  assert.equal(statSync(join(job.with.to, 'a.h5')).mtimeMs, before);

  const other = setUp(t);
  mkdirSync(other.with.to);
  writeFileSync(join(other.with.to, 'b.h5'), 'precious');
  await assert.rejects(run(other), hasCode('InvalidInput', /b\.h5.*other content.*overwrite: true/));
  assert.deepEqual(readdirSync(other.with.to), ['b.h5']);
  assert.equal(readFileSync(join(other.with.to, 'b.h5'), 'utf8'), 'precious');
  await run({ ...other, with: { ...other.with, overwrite: true } });
  assert.equal(readFileSync(join(other.with.to, 'b.h5'), 'utf8'), 'h5 of b');
});

test('refuses two files with one name, a changed source, and an empty copy', async (t) => {
  await assert.rejects(
    run(setUp(t, { outputs: ['table'] })),
    hasCode('InvalidInput', /two files would be named table\.csv.*by-item/),
  );
  const changed = setUp(t);
  writeFileSync(join(changed.work, 'stage/b/b.h5'), 'edited');
  await assert.rejects(run(changed), hasCode('OutputDamaged', /was changed after the step/));
  assert.ok(!existsSync(changed.with.to));
  await assert.rejects(run(setUp(t, { items: undefined })), hasCode('InvalidInput', /nothing to copy/));
  await assert.rejects(
    run(setUp(t, { outputs: undefined })),
    hasCode('InvalidInput', /`items` requires `outputs`/),
  );
});

test('a work folder that is moved away between two files is not recreated by the copy', async (t) => {
  const job = setUp(t, { to: 'published' });
  const scratch = join(job.work, '.scratch');
  mkdirSync(scratch);
  const moved = `${job.work}-moved`;
  t.after(() => rmSync(moved, { recursive: true, force: true }));
  const progress = ({ done }: { done: number }) => {
    if (done === 1 && !existsSync(moved)) renameSync(job.work, moved);
  };
  await assert.rejects(run({ ...job, scratch, progress }), hasCode('Superseded', /private folder/));
  assert.equal(existsSync(job.work), false);
  assert.deepEqual(readdirSync(join(moved, 'published')), ['a.h5']);
});
