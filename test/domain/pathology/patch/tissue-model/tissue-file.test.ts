import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { definition } from '../../../../../activities/pathology/patch.js';
import { OnnxGraph } from '../../../../../domain/machine/onnx/onnx-graph.js';
import { readTissueModel } from '../../../../../domain/pathology/patch/tissue-model/tissue-model.js';
import { expectError } from '../../../../support/expect-error.js';
import { checkout } from '../../../../support/fixtures.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';
import { tinyTissueModel, writeTinyTissueModel } from '../../../../support/tiny-tissue-model.js';

test("the model of the example is the one that this checkout's generator makes", () => {
  const { files, file } = readTissueModel(join(checkout, 'examples', 'own-tissue-model', 'tissue.yaml'));
  assert.deepEqual(readFileSync(files[0]), Buffer.from(tinyTissueModel()));
  assert.deepEqual([file.margin, file.threshold, file.channels], [undefined, 0.5, 'rgb']);
});

/** Checks a step before the run, as `plan` does. */
function check(path: string) {
  return definition.check!({
    with: { 'segment-with': path },
    unknown: new Set(),
    items: {},
    producers: {},
  });
}

function written(context: TestContext, changes: Record<string, unknown>, model = tinyTissueModel()): string {
  return writeTinyTissueModel(temporaryFolder(context), changes, model);
}

test('a mistake in the file is named with what belongs there', (context) => {
  const cases: [Record<string, unknown>, (string | RegExp)[]][] = [
    [{ tissue: ['tumor'] }, ['`tissue` has a class that `classes` lacks', 'glass, tissue, ink', 'tumor']],
    [{ artifact: ['pen'] }, ['`artifact` has a class', 'pen']],
    [{ artifact: ['tissue'] }, ['both tissue and artifact', 'tissue']],
    [{ classes: ['tissue', 'tissue', 'ink'] }, ['a name twice']],
    [{ classes: ['tissue'], artifact: [] }, ['softmax of one class', '`activation: sigmoid`']],
    [{ margin: 32 }, ['`margin` leaves nothing', 'below 32']],
    [{ mpp: undefined }, ['`mpp`', 'µm per pixel']],
    [{ activation: 'relu' }, ['`activation`', 'softmax', 'sigmoid']],
    [{ thresold: 0.4 }, ['thresold', 'threshold']],
    [{ tissue: [] }, ['`tissue`']],
  ];
  for (const [changes, words] of cases) {
    const path = written(context, changes);
    expectError('InvalidInput', ['tissue.yaml', ...words], () => readTissueModel(path));
    const lack = definition.findMissing!('segment-with', path, { base: '/', given: new Set() });
    assert.equal(lack?.wrong, true, JSON.stringify(changes));
  }
});

test('a missing model is missing on this machine, not wrong', (context) => {
  const path = written(context, {});
  rmSync(join(path, '..', 'tissue.onnx'));
  const lack = definition.findMissing!('segment-with', path, { base: '/', given: new Set() });
  assert.match(lack?.what ?? '', /tissue model is missing/);
  assert.match(lack?.next ?? '', /correct `onnx`/);
  assert.equal(lack?.wrong, undefined);
});

/** A model with one convolution of 1 x 1, and what follows. */
function other(channels: number, end: (graph: OnnxGraph, value: string) => void, sides = ['h', 'w']) {
  const graph = new OnnxGraph('other');
  const image = graph.input('pixels', ['n', channels, ...sides]);
  const kernel = graph.constant(Array<number>(2 * channels).fill(0.1), [2, channels, 1, 1]);
  end(graph, graph.node('Conv', [image, kernel]));
  return graph.encode();
}

const two = { classes: ['glass', 'tissue'], artifact: [] };

test('a model that does not fit its file is refused before the run', async (context) => {
  const refused = async (changes: Record<string, unknown>, model: Uint8Array, message: RegExp) => {
    await assert.rejects(check(written(context, changes, model)), { name: 'InvalidInput', message });
  };
  const plain = other(3, (graph, value) => graph.output(value, ['n', 2, 'h', 'w']));
  await check(written(context, two, plain));
  await refused({}, plain, /another number of classes[\s\S]*1, 3, h, w[\s\S]*1, 2, 64, 64[\s\S]*name all 2/);
  const four = other(4, (graph, value) => graph.output(value, ['n', 2, 'h', 'w']));
  await refused(two, four, /input pixels of the model has the wrong shape[\s\S]*\[n, 3, 64, 64\]/);
  await refused({ ...two, axes: 'nhwc' }, plain, /wrong shape[\s\S]*\[n, 64, 64, 3\][\s\S]*`axes`/);
  await refused({ ...two, output: 'mask' }, plain, /has no output mask/);
  const pooled = other(3, (graph, value) =>
    graph.output(graph.node('GlobalAveragePool', [value]), ['n', 2, 'a', 'b']),
  );
  await check(written(context, two, pooled));
  const flat = other(3, (graph, value) =>
    graph.output(graph.node('Flatten', [value], { axis: 1 }), ['n', 'd']),
  );
  await refused(two, flat, /not one score per class and pixel[\s\S]*without argmax/);
  const failing = other(3, (graph, value) => {
    const odd = graph.constant(Array<number>(2 * 7 * 7).fill(1), [1, 2, 7, 7]);
    graph.output(graph.node('Add', [value, odd]), ['n', 2, 'h', 'w']);
  });
  await refused(two, failing, /the model failed to run[\s\S]*\[1, 3, 64, 64\][\s\S]*correct `size`/);
  const path = written(context, two, plain);
  writeFileSync(join(path, '..', 'tissue.onnx'), plain.subarray(0, 40));
  await assert.rejects(check(path), /tissue\.onnx/);
});

test('parameters of the threshold are named as having no effect with a model', () => {
  const faults = definition.findFaults!({ 'segment-with': 'm.yaml', sthresh: 8, close: 4, 'a-t': 1 });
  assert.deepEqual(
    faults.map(({ parameter, warning }) => [parameter, warning]),
    [
      ['sthresh', 'bad-value'],
      ['close', 'bad-value'],
    ],
  );
  assert.deepEqual(definition.findFaults!({ sthresh: 8 }), []);
});
