import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findEncoder } from '../../../../../domain/pathology/extract/encoders/encoders.js';
import type { OpenEncoder } from '../../../../../domain/pathology/extract/encoders/encoder.js';
import { OnnxGraph } from '../../../../../domain/machine/onnx/onnx-graph.js';
import { scratchFolder } from '../../../../support/scratch-folder.js';
import { writeTinyEncoder } from '../../../../support/tiny-encoder.js';

/*
 * Models of other people's making, opened as encoders: what does not fit is refused before a patch is read.
 */

const folder = scratchFolder();
const SIZE = 8;

/** A model whose feature is the mean of each color, exported in various ways. */
function model(
  change: (graph: OnnxGraph) => { image: string; features?: (mean: string, graph: OnnxGraph) => void },
): Uint8Array {
  const graph = new OnnxGraph('means');
  const { image, features } = change(graph);
  const mean = graph.node('GlobalAveragePool', [image]);
  if (features) features(mean, graph);
  else graph.output(graph.node('Flatten', [mean], { axis: 1 }, 'features'), ['n', 3]);
  return graph.encode();
}

async function opened(bytes: Uint8Array): Promise<OpenEncoder> {
  const path = writeTinyEncoder(folder, { size: SIZE, dim: 3 });
  writeFileSync(join(folder, 'tiny.onnx'), bytes);
  return (await findEncoder(path)).open({ device: 'cpu' });
}

const OPEN_SHAPE = ['n', 3, SIZE, SIZE];

describe('is refused when opened', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    [
      'a second input',
      model((graph) => {
        const image = graph.input('image', OPEN_SHAPE);
        return { image: graph.node('Mul', [image, graph.input('gain', [1])]) };
      }),
      /tiny\.onnx: the model has inputs besides the image; expected only image; found also gain/,
    ],
    [
      'half precision',
      model((graph) => ({
        image: graph.node('Cast', [graph.input('image', OPEN_SHAPE, 'float16')], { to: 1 }),
      })),
      /input image .* wrong type; expected float32; found float16/,
    ],
    [
      'an image of another rank',
      model((graph) => ({
        image: graph.node('Unsqueeze', [
          graph.input('image', [3, SIZE, SIZE]),
          graph.constant([0], [1], 'int64'),
        ]),
      })),
      /input image .*wrong shape; expected \[n, 3, 8, 8\]; found \[3, 8, 8\]/,
    ],
    [
      'channels last',
      model((graph) => ({
        image: graph.node('Transpose', [graph.input('image', ['n', SIZE, SIZE, 3])], { perm: [0, 3, 1, 2] }),
      })),
      /input image .*wrong shape; expected \[n, 3, 8, 8\]; found \[n, 8, 8, 3\]/,
    ],
    [
      'batches of four',
      model((graph) => ({ image: graph.input('image', [4, 3, SIZE, SIZE]) })),
      /fixed batch size; expected any number, or 1; found 4; Next: .*dynamic_axes/,
    ],
    [
      'whole numbers as features',
      model((graph) => ({
        image: graph.input('image', OPEN_SHAPE),
        features: (mean) =>
          graph.output(graph.node('Cast', [mean], { to: 7 }, 'features'), ['n', 3, 1, 1], 'int64'),
      })),
      /output features .*expected float32 \[n, 3\]; found int64 \[n, 3, 1, 1\]/,
    ],
    [
      'features of another length',
      model((graph) => ({
        image: graph.input('image', OPEN_SHAPE),
        features: (mean) =>
          graph.output(graph.node('Concat', [mean, mean], { axis: 1 }, 'features'), ['n', 6, 1, 1]),
      })),
      /output features .*expected float32 \[n, 3\]; found float32 \[n, 6, 1, 1\]/,
    ],
  ];
  for (const [what, bytes, message] of cases) {
    test(what, async () => {
      await assert.rejects(opened(bytes), { code: 'InvalidInput', message });
    });
  }
});

test('accepts a model for one image at a time, and features that are not flat', async () => {
  const bytes = model((graph) => ({
    image: graph.input('image', [1, 3, SIZE, SIZE]),
    features: (mean) => graph.output(mean, [1, 3, 1, 1]),
  }));
  const encoder = await opened(bytes);
  const rgb = Uint8Array.from({ length: 3 * SIZE * SIZE * 3 }, (_, i) => (i % 3 === 0 ? 255 : 0));
  const features = await encoder.encode(rgb, 3);
  await encoder.close();
  assert.deepEqual([...features], [2, -2, -2, 2, -2, -2, 2, -2, -2]);
});

test('reports truncated external weights with both sizes, without the location in the runtime', async () => {
  const bytes = model((graph) => {
    const weights = { file: 'gains.bin', dtype: 'float32', shape: [3], strides: [1], offset: 0 } as const;
    const image = graph.input('image', OPEN_SHAPE);
    const gains = graph.node('Reshape', [
      graph.stored('gains', weights),
      graph.constant([1, 3, 1, 1], [4], 'int64'),
    ]);
    return { image: graph.node('Mul', [image, gains]) };
  });
  writeFileSync(join(folder, 'gains.bin'), Buffer.alloc(5));
  await assert.rejects(opened(bytes), (error: Error) => {
    assert.match(
      error.message,
      /tiny\.onnx: ONNX Runtime cannot load this model: .*gains.*12.*5 are out of bounds/,
    );
    assert.doesNotMatch(error.message, /onnxruntime_src/);
    return error.name === 'InvalidInput';
  });
});
