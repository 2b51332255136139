import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { definition } from '../../../../activities/pathology/extract.js';
import { digestOfFile } from '../../../../domain/digest.js';
import { BatchStore } from '../../../../domain/pathology/extract/batch-store.js';
import { findEncoder, keyOfEncoder } from '../../../../domain/pathology/extract/encoders/encoders.js';
import { run } from '../../../../domain/pathology/extract/extract.js';
import type { ExtractWith } from '../../../../domain/pathology/extract/parameters.js';
import {
  openFeatures,
  readFeatures,
  readSamInfo,
  readSegFile,
  writePatches,
} from '../../../../domain/pathology/layouts/bag-files.js';
import { readTridentFacts } from '../../../../domain/pathology/layouts/trident.js';
import { readPtTensor } from '../../../../domain/files/torch/torch-pt.js';
import type { InputFile, JobResult } from '../../../../domain/job.js';
import { inputFile, jobFor } from '../../../support/activity-job.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { writeTinyEncoder } from '../../../support/tiny-encoder.js';
import { COORDS, extract, given, smallPatchesAt, SIZE, type Given } from '../../../support/extract-case.js';

async function digests(result: JobResult): Promise<Record<string, string>> {
  const entries = Object.entries(result.files).map(async ([name, { from }]) => [
    name,
    await digestOfFile(from),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
}
describe('pathology.extract', () => {
  test('writes consistent features, group rows, members and areas', async (context) => {
    const result = await extract(await given(context));
    assert.deepEqual(result.values, {
      'patches-count': 30,
      'groups-count': 2,
      dim: 5,
      encoder: 'tiny',
      provider: 'cpu',
      'provider-reason': result.values?.['provider-reason'],
    });
    assert.deepEqual(
      Object.entries(result.files).map(([name, { to }]) => [name, to]),
      [
        ['bag', 'h5_files/slide.h5'],
        ['bag-pt', 'pt_files/slide.pt'],
        ['sam-info', 'sam_info/slide.h5'],
        ['seg', 'seg_files/slide.h5'],
      ],
    );
    const bag = readFeatures(result.files.bag.from);
    assert.equal(bag.rows, 32);
    assert.deepEqual(bag.coords, Int32Array.from([...COORDS, -1, -1, -1, -1]));
    assert.ok(new Set(bag.features).size > 100, 'patches differ');
    const members = readSegFile(result.files.seg.from);
    assert.deepEqual(
      members.map(({ index, coords }) => [index, coords.length / 2]),
      [
        [0, 24],
        [2, 10],
      ],
      'a mask one pixel wide has no members',
    );
    for (const [group, { coords }] of members.entries()) {
      const rows = rowsOf(coords);
      for (let column = 0; column < 5; column++) {
        const mean = rows.reduce((sum, row) => sum + bag.features[row * 5 + column], 0) / rows.length;
        assert.ok(Math.abs(bag.features[(30 + group) * 5 + column] - mean) < 1e-6);
      }
    }
    const info = readSamInfo(result.files['sam-info'].from);
    assert.deepEqual([...info.isGroupFeat], [...Array<number>(30).fill(0), 1, 1]);
    const inLeft = new Set(rowsOf(members[1].coords));
    const inUpper = new Set(rowsOf(members[0].coords));
    for (let row = 0; row < 30; row++) {
      assert.equal(
        info.relativeArea[row],
        inLeft.has(row) ? 32 * 80 : inUpper.has(row) ? 96 * 60 : 1,
        `${row}`,
      );
    }
    assert.deepEqual([...info.relativeArea.subarray(30)], [0, 0]);
    const tensor = readPtTensor(result.files['bag-pt'].from);
    assert.deepEqual(tensor.shape, [32, 5]);
    assert.deepEqual(tensor.data, bag.features);
  });

  test('the features of a patch depend only on its pixels, not on the batches', async (context) => {
    const one = await given(context);
    const small = readFeatures((await extract(one, 'small')).files.bag.from);
    const large = await extract({ ...one, parameters: { ...one.parameters, 'batch-size': 64 } }, 'large');
    assert.deepEqual(readFeatures(large.files.bag.from).features, small.features);
    const last = await given(context, { 'group-features': false });
    writePatches((last.parameters.patches as InputFile).path, smallPatchesAt(COORDS.slice(-2)));
    const alone = readFeatures((await extract(last)).files.bag.from);
    assert.deepEqual(alone.features, small.features.slice(29 * 5, 30 * 5));
  });

  test('layout trident: a folder per encoder, facts from slide or patches, no group rows unless requested', async (context) => {
    const one = await given(context, { layout: 'trident' });
    const clam = await extract({ ...one, parameters: { ...one.parameters, layout: 'clam' } }, 'clam');
    const result = await extract(one);
    assert.equal(result.files.bag.to, 'features_tiny/slide.h5');
    const reader = openFeatures(result.files.bag.from);
    const attributes = reader.coordsAttributes();
    assert.equal(reader.featuresAttributes().encoder, 'tiny');
    reader.close();
    assert.deepEqual(readTridentFacts(attributes), {
      patchSize: SIZE,
      patchSizeLevel0: SIZE,
      level0Magnification: 20,
      targetMagnification: 20,
      overlap: 0,
    });
    const bag = readFeatures(result.files.bag.from);
    assert.equal(bag.rows, 30);
    const whole = readFeatures(clam.files.bag.from);
    assert.deepEqual(bag.features, whole.features.slice(0, 30 * 5));
    const facts = { patchSize: 32, patchSizeLevel0: SIZE, level0Magnification: 40, targetMagnification: 20 };
    const patches = { ...smallPatchesAt(COORDS), trident: { ...facts, overlap: 0 } };
    writePatches((one.parameters.patches as InputFile).path, patches);
    const asked = await extract(
      { ...one, parameters: { ...one.parameters, 'group-features': true } },
      'asked',
    );
    const again = openFeatures(asked.files.bag.from);
    assert.deepEqual(readTridentFacts(again.coordsAttributes()), patches.trident);
    assert.equal(again.rows, 32);
    again.close();
  });

  test('without segments, there are no groups and every area is 1', async (context) => {
    const one = await given(context);
    delete one.parameters.segments;
    const result = await extract(one);
    assert.equal(result.values?.['groups-count'], 0);
    assert.equal(result.files.seg, undefined);
    const info = readSamInfo(result.files['sam-info'].from);
    assert.deepEqual([...info.relativeArea], Array<number>(30).fill(1));
    assert.ok(info.isGroupFeat.every((flag) => flag === 0));
  });

  test('without group rows, the areas are still those of the segments', async (context) => {
    const result = await extract(await given(context, { 'group-features': false }));
    assert.equal(readFeatures(result.files.bag.from).rows, 30);
    assert.equal(readSamInfo(result.files['sam-info'].from).relativeArea[0], 32 * 80);
    assert.equal(readSegFile(result.files.seg.from).length, 2);
  });

  test('resumes after SIGKILL and writes the same bytes', async (context) => {
    const one = await given(context);
    const undisturbed = await digests(await extract(one, 'undisturbed'));
    const folder = join(one.folder, 'killed');
    assert.equal(await killAfter(folder, one.parameters, 8), 'SIGKILL');
    const kept = readdirSync(join(folder, 'checkpoint')).filter((name) => name.endsWith('.f32'));
    assert.ok(kept.length >= 2 && kept.length < 8, `${kept.length} batches were kept`);
    rmSync(join(folder, 'scratch'), { recursive: true });
    const job = jobFor<ExtractWith>(definition, one.parameters, folder);
    const result = await run(job);
    assert.equal(job.reports[0].done, kept.length * 4, 'committed batches are not made again');
    assert.deepEqual(await digests(result), undisturbed);
  });

  test('recomputes a damaged batch', async (context) => {
    const one = await given(context);
    const first = await digests(await extract(one));
    const batch = join(one.folder, 'attempt', 'checkpoint', 'batch-000003.f32');
    const bytes = readFileSync(batch);
    bytes[5] ^= 1;
    writeFileSync(batch, bytes);
    const job = jobFor<ExtractWith>(definition, one.parameters, join(one.folder, 'attempt'));
    const again = await digests(await run(job));
    assert.equal(job.reports[0].done, 26);
    assert.deepEqual(again, first);
  });

  test('does not reuse batches of another encoder', async (context) => {
    const one = await given(context);
    await extract(one);
    const other = {
      ...one.parameters,
      encoder: await inputFile(writeTinyEncoder(one.folder, { std: [1, 1, 1] })),
    };
    const job = jobFor<ExtractWith>(definition, other, join(one.folder, 'attempt'));
    const features = readFeatures((await run(job)).files.bag.from).features;
    assert.equal(job.reports[0].done, 0);
    const fresh = await extract({ parameters: other, folder: one.folder }, 'fresh');
    assert.deepEqual(features, readFeatures(fresh.files.bag.from).features);
  });

  test('recomputes a batch that a concurrent attempt with another identity commits', (context) => {
    const folder = temporaryFolder(context);
    const layout = { rows: 4, dim: 2, batchSize: 2 };
    const straggler = new BatchStore(folder, layout, { provider: 'cuda' });
    const store = new BatchStore(folder, layout, { provider: 'cpu' });
    store.commit(0, Float32Array.of(1, 2, 3, 4));
    straggler.commit(1, Float32Array.of(5, 6, 7, 8));
    assert.deepEqual(store.missing(), [1]);
    assert.throws(() => store.read(1), /was not committed/);
  });

  test('does not use an encoder other than the one in the cache key', async (context) => {
    const one = await given(context);
    const job = jobFor<ExtractWith>(definition, one.parameters, join(one.folder, 'attempt'));
    const { info } = await findEncoder(one.parameters.encoder as InputFile);
    const hidden = { encoder: keyOfEncoder({ ...info, name: 'wanted', dim: 7 }) };
    await assert.rejects(run({ ...job, hidden }), {
      code: 'Unavailable',
      message: /encoder changed.*expected wanted; found tiny/,
    });
    const same = await run({ ...job, hidden: { encoder: keyOfEncoder(info) } });
    assert.equal(same.values?.encoder, 'tiny');
  });

  test('stops at the next batch when aborted and keeps finished batches', async (context) => {
    const one = await given(context);
    const controller = new AbortController();
    const job = jobFor<ExtractWith>(
      definition,
      one.parameters,
      join(one.folder, 'attempt'),
      controller.signal,
    );
    const reason = new Error('the run was cancelled');
    const stopping = run({ ...job, progress: ({ done }) => done === 8 && controller.abort(reason) });
    await assert.rejects(stopping, reason);
    const resumed = jobFor<ExtractWith>(definition, one.parameters, join(one.folder, 'attempt'));
    await run(resumed);
    assert.equal(resumed.reports[0].done, 12, 'the batch that was being encoded is kept too');
  });

  test('replaces a missing device by the CPU, with a warning and the reason in the outputs', async (context) => {
    const one = await given(context, { device: 'tensorrt' });
    const job = jobFor<ExtractWith>(definition, one.parameters, join(one.folder, 'attempt'));
    const { values } = await run(job);
    if (values?.provider === 'tensorrt') return context.skip('TensorRT is available');
    const reason = values?.['provider-reason'] as string;
    assert.match(reason, /^tensorrt: .{10}/);
    const warnings = job.logs.filter(({ level }) => level === 'warn');
    assert.deepEqual(
      warnings.map(({ message }) => message),
      [`encoder tiny runs on cpu instead of tensorrt (${reason})`],
    );
  });

  test('warns when the fallback is used', async (context) => {
    const kept = { ...process.env };
    context.after(() => Object.assign(process.env, kept));
    Object.assign(process.env, {
      SAM_MIL_CACHE: temporaryFolder(context),
      PATH: '',
      PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
      OPENSLIDE_LIB: await openSlideLibrary(),
    });
    const one = await given(context, {
      encoder: 'efficientnet-lite0',
      fallback: 'stain-texture',
      'target-size': 64,
    });
    const job = jobFor<ExtractWith>(definition, one.parameters, one.folder);
    const { values } = await run(job);
    assert.equal(values?.encoder, 'stain-texture');
    assert.equal(values?.dim, 64);
    assert.match(
      job.logs.find(({ level }) => level === 'warn')?.message ?? '',
      /using fallback encoder stain-texture/,
    );
  });
});

function rowsOf(coords: Int32Array): number[] {
  return Array.from({ length: coords.length / 2 }, (_, i) =>
    Array.from({ length: 30 }, (_, row) => row).findIndex(
      (row) => COORDS[2 * row] === coords[2 * i] && COORDS[2 * row + 1] === coords[2 * i + 1],
    ),
  );
}

/**
 * Starts the extraction in a separate process and kills it once `patches` are done. Returns the signal that
 * ended it.
 */
function killAfter(
  folder: string,
  parameters: Given['parameters'],
  patches: number,
): Promise<NodeJS.Signals | null> {
  const script = fileURLToPath(new URL('../../../support/extract-process.js', import.meta.url));
  const child = fork(script, [folder, JSON.stringify(parameters)]);
  return new Promise((resolve) => {
    child.on('message', (message: { done?: number }) => {
      if (message.done === patches) child.kill('SIGKILL');
    });
    child.on('exit', (_, signal) => resolve(signal));
  });
}

async function openSlideLibrary(): Promise<string> {
  const { findOpenSlideLibrary } = await import('../../../../domain/machine/fetch-openslide.js');
  return findOpenSlideLibrary();
}
