import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadOnnxRuntime } from '../../../../domain/machine/onnx-runtime.js';
import { listExternalFiles, OnnxGraph } from '../../../../domain/machine/onnx/onnx-graph.js';
import { openSession } from '../../../../domain/machine/onnx/onnx-session.js';
import { protoFields, ProtoWriter } from '../../../../domain/machine/onnx/protobuf.js';
import { writeSafetensors } from '../../../../domain/files/safetensors.js';
import { readPt } from '../../../../domain/files/torch/torch-pt.js';
import { tensorLayout, type TensorLayout } from '../../../../domain/files/torch/torch-layout.js';
import { fixture } from '../../../support/fixtures.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const expected = JSON.parse(readFileSync(fixture('encoders/strided.json'), 'utf8')) as {
  conv: number[];
  dense: number[];
};

/** Convolution, mean and a dense layer whose weights stay in the checkpoint. */
async function runOn(checkpoint: string): Promise<{ conv: number[]; dense: number[] }> {
  const weights = tensorLayout(checkpoint);
  const stored = (name: string): TensorLayout => weights.get(`model.${name}`) as TensorLayout;
  const graph = new OnnxGraph('strided');
  const parameters = ['conv.weight', 'conv.bias'].map((name) => graph.stored(name, stored(name)));
  const image = graph.input('image', [1, 2, 6, 5]);
  const convolved = graph.node('Conv', [image, ...parameters], { pads: [1, 1, 1, 1] });
  const conv = graph.node('Flatten', [graph.node('GlobalAveragePool', [convolved])], {}, 'conv');
  graph.output(conv, [1, 4]);
  const half = graph.stored('half.weight', stored('half.weight'));
  graph.output(graph.node('Gemm', [conv, half], { transB: 1 }, 'dense'), [1, 5]);
  const path = `${checkpoint}.onnx`;
  writeFileSync(path, graph.encode());
  assert.deepEqual(listExternalFiles(graph.encode(), path), [basename(checkpoint)]);
  const { session } = await openSession(path, { device: 'cpu' });
  const pixels = Float32Array.from({ length: 60 }, (_, i) => Math.fround(i / 30) - 1);
  const { Tensor } = await loadOnnxRuntime();
  const results = await session.run({ image: new Tensor('float32', pixels, [1, 2, 6, 5]) });
  return {
    conv: [...(results.conv.data as Float32Array)],
    dense: [...(results.dense.data as Float32Array)],
  };
}

function assertClose(found: number[], expected: number[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) < 1e-5, `${i}: ${value}, ${expected[i]}`),
  );
}

function copied(context: TestContext, name: string): string {
  const path = join(temporaryFolder(context), name);
  copyFileSync(fixture(`encoders/${name}`), path);
  return path;
}

for (const name of ['strided.pth', 'strided.legacy.pth']) {
  test(`weights with permuted axes, an offset and half precision run directly from ${name}`, async (context) => {
    const found = await runOn(copied(context, name));
    assertClose(found.conv, expected.conv);
    assertClose(found.dense, expected.dense);
  });
}

test('weights run directly from safetensors', async (context) => {
  const path = join(temporaryFolder(context), 'strided.safetensors');
  const { tensors } = readPt(fixture('encoders/strided.pth'));
  writeSafetensors(path, tensors);
  const found = await runOn(path);
  assertClose(found.conv, expected.conv);
  assertClose(found.dense, expected.dense);
});

test('an error names a tensor that is not dense', () => {
  const graph = new OnnxGraph('refused');
  const tensor = { file: 'a.pth', dtype: 'float32', shape: [2, 3], strides: [6, 2], offset: 0 } as const;
  assert.throws(() => graph.stored('head.weight', tensor), {
    code: 'UnsupportedFormat',
    message: /a\.pth: tensor head\.weight is not dense.*\[6, 2\]/,
  });
});

test('a file that is not a model is rejected without a crash', () => {
  assert.throws(() => listExternalFiles(Buffer.from('slide_id,label\n'), 'x.onnx'), {
    code: 'UnsupportedFormat',
    message: /x\.onnx: this is not an ONNX model/,
  });
});

test('protocol buffer numbers are preserved, including negative ones and those beyond 32 bits', () => {
  const bytes = new ProtoWriter()
    .integer(1, 2 ** 40 + 5)
    .integer(2, -1)
    .float(3, 0.5)
    .text(4, 'ä')
    .finish();
  const fields = [...protoFields(bytes)];
  assert.deepEqual(
    fields.map(({ field }) => field),
    [1, 2, 3, 4],
  );
  assert.equal(fields[0].value, 2 ** 40 + 5);
  assert.equal(fields[1].value, 2 ** 64);
  assert.equal(new TextDecoder().decode(fields[3].value as Uint8Array), 'ä');
});
