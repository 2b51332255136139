import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { definition } from '../../../../activities/pathology/extract.js';
import { run } from '../../../../domain/pathology/extract/extract.js';
import type { ExtractWith } from '../../../../domain/pathology/extract/parameters.js';
import { writePatches } from '../../../../domain/pathology/layouts/bag-files.js';
import { writeSegments } from '../../../../domain/pathology/layouts/segments-file.js';
import type { InputFile } from '../../../../domain/job.js';
import { OnnxGraph } from '../../../../domain/machine/onnx/onnx-graph.js';
import { BUNDLED_SLIDE } from '../../../support/bundled.js';
import { inputFile, jobFor } from '../../../support/activity-job.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { COORDS, extract, given, smallPatchesAt, twoSegments } from '../../../support/extract-case.js';

describe('pathology.extract refuses', () => {
  test('patches outside the slide and states their position', async (context) => {
    const one = await given(context);
    const coords = COORDS.slice();
    coords[20] = 2300;
    writePatches((one.parameters.patches as InputFile).path, smallPatchesAt(coords));
    await assert.rejects(extract(one), {
      code: 'InvalidInput',
      message: /patches\.h5: patch 10 is outside the slide .*expected .*2220 x 2967; found 2300, /,
    });
  });

  test('segments for another patch size and states both sizes', async (context) => {
    const one = await given(context);
    const { info, masks } = twoSegments();
    writeSegments((one.parameters.segments as InputFile).path, { info: { ...info, patchSize: 512 }, masks });
    await assert.rejects(extract(one), {
      code: 'CountMismatch',
      message: /segments\.h5.*expected 64 .*found 512/,
    });
  });

  test('a file without patches', async (context) => {
    const one = await given(context);
    writePatches((one.parameters.patches as InputFile).path, smallPatchesAt(new Int32Array(0)));
    await assert.rejects(extract(one), {
      code: 'InvalidInput',
      message: /patches\.h5: the file has no patches/,
    });
  });

  test('a level that the slide does not have', async (context) => {
    const one = await given(context);
    const path = (one.parameters.patches as InputFile).path;
    writePatches(path, { ...smallPatchesAt(COORDS), patchLevel: 3 });
    await assert.rejects(extract(one), {
      code: 'InvalidInput',
      message: /level from 0 to 0; found .*level 3/,
    });
  });

  test('patches larger than memory', async (context) => {
    const one = await given(context);
    const path = (one.parameters.patches as InputFile).path;
    writePatches(path, { ...smallPatchesAt(COORDS), patchSize: 200_000 });
    await assert.rejects(extract(one), {
      code: 'InvalidInput',
      message: /"patch_size" .*integer from 1 to 32768; found 200000/,
    });
  });

  test('a model that returns NaN and names the patch', async (context) => {
    const folder = temporaryFolder(context);
    const graph = new OnnxGraph('root');
    const image = graph.input('image', ['n', 3, 32, 32]);
    const root = graph.node('Sqrt', [graph.node('GlobalAveragePool', [image])]);
    graph.output(graph.node('Flatten', [root], { axis: 1 }, 'features'), ['n', 3]);
    writeFileSync(join(folder, 'root.onnx'), graph.encode());
    // All values darker than white become negative.
    const file = { name: 'root', onnx: 'root.onnx', size: 32, mean: [1, 1, 1], std: [1, 1, 1], dim: 3 };
    writeFileSync(join(folder, 'root.json'), JSON.stringify(file));
    const one = await given(context, { encoder: await inputFile(join(folder, 'root.json')) });
    await assert.rejects(extract(one), {
      code: 'InvalidInput',
      message: /encoder root returned .* not finite; found NaN in feature 0 of the patch at 900, 1200/,
    });
  });

  test('a file that is not a slide', async (context) => {
    const folder = temporaryFolder(context);
    const path = join(folder, 'text.svs');
    writeFileSync(path, 'slide_id,label\n'.repeat(100));
    const one = await given(context, { slide: await inputFile(path) });
    await assert.rejects(extract(one), { code: 'UnsupportedFormat', message: /text\.svs/ });
  });

  test('a slide with a damaged tile and keeps the batches before it', async (context) => {
    const path = join(temporaryFolder(context), 'damaged.svs');
    const bytes = readFileSync(BUNDLED_SLIDE);
    const middle = bytes.length >> 1;
    bytes.fill(0xff, middle, middle + 60_000);
    writeFileSync(path, bytes);
    const one = await given(context, { slide: await inputFile(path) });
    // Ten patches of intact tissue, then one at the damaged tile.
    const coords = Int32Array.from([...COORDS.slice(0, 20), 700, 2440]);
    writePatches((one.parameters.patches as InputFile).path, smallPatchesAt(coords));
    await assert.rejects(extract(one), {
      code: 'CorruptSlide',
      message: /damaged\.svs: the slide is damaged: reading .* at \(700, 2440\)/,
    });
    const kept = readdirSync(join(one.folder, 'attempt', 'checkpoint'));
    assert.equal(kept.filter((name) => name.endsWith('.f32')).length, 2);
  });

  test('a slide that is replaced while it is being read', async (context) => {
    const path = join(temporaryFolder(context), 'slide.svs');
    copyFileSync(BUNDLED_SLIDE, path);
    const one = await given(context, { slide: await inputFile(path) });
    const job = jobFor<ExtractWith>(definition, one.parameters, join(one.folder, 'attempt'));
    const replacing = run({ ...job, progress: ({ done }) => done === 8 && appendFileSync(path, 'x') });
    await assert.rejects(replacing, { code: 'InvalidInput', message: /slide\.svs: the slide was replaced/ });
  });
});
