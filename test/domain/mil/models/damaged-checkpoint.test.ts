import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../../../domain/files/safetensors.js';
import { readCheckpoint, weightsFor, writeCheckpoint } from '../../../../domain/mil/models/checkpoint.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();
const sound = join(folder, 'sound.safetensors');
const path = join(folder, 'damaged.safetensors');
const MEAN = 'input.mean';
const config = {
  model: 'abmil',
  dim: 2,
  outputs: 2,
  endpoint: 'classification' as const,
  embedDim: 1,
  attentionDim: 1,
  dropout: 0.25,
  options: {},
};
writeCheckpoint(
  sound,
  {
    config,
    target: { endpoint: 'classification' as const, classes: ['a', 'b'] },
    groupFeatures: true,
    weights: { w: Float32Array.of(1, 2) },
    standardization: { mean: Float32Array.of(0, 0), deviation: Float32Array.of(1, 2) },
    training: { seed: 1 },
  },
  [{ name: 'w', shape: [2], init: 'zeros' }],
);

/** Replaces a note by JSON, or by text as it is. */
function refusedNote(words: string[], name: string, value: unknown): void {
  const { tensors, metadata } = readSafetensors(sound);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  writeSafetensors(path, tensors, { ...metadata, [name]: text });
  expectError('InvalidInput', [path, ...words], () => readCheckpoint(path));
}

test('notes that are no JSON, or that have impossible values, are refused', () => {
  assert.deepEqual(readCheckpoint(sound).target, { endpoint: 'classification', classes: ['a', 'b'] });
  refusedNote(['"config"', '"dropout";0.25'], 'config', '{"dropout";0.25}');
  refusedNote(['"training"'], 'training', '');
  refusedNote(['`config.dim`', '0.5'], 'config', { ...config, dim: 0.5 });
  refusedNote(['`config.dropout`'], 'config', { ...config, dropout: 7 });
  refusedNote(['`config.options.a`'], 'config', { ...config, options: { a: [] } });
  const classes = (names: unknown[]) => ({ endpoint: 'classification', classes: names });
  refusedNote(['different class names', 'a, a'], 'target', classes(['a', 'a']));
  refusedNote(['a target of 2 outputs'], 'target', classes(['a', 'b', 'c']));
  refusedNote(['`target`'], 'target', classes([1, 2]));
  refusedNote(['`group-features`'], 'group-features', 'yes');
});

test('weights that are not finite, and a standardization that does not fit, are refused', () => {
  const { tensors, metadata } = readSafetensors(sound);
  const without = Object.entries(tensors).filter(([name]) => name !== MEAN);
  writeSafetensors(path, Object.fromEntries(without), metadata);
  expectError('InvalidInput', [path, MEAN], () => readCheckpoint(path));
  const refused = (words: string[], name: string, ...values: number[]) => {
    const data = Float32Array.from(values);
    writeSafetensors(
      path,
      { ...tensors, [name]: { dtype: 'float32', shape: [data.length], data } },
      metadata,
    );
    expectError('InvalidInput', [path, ...words], () => readCheckpoint(path));
  };
  refused(['weight "w"', 'NaN at index 1'], 'w', 1, NaN);
  refused(['weight "w"', 'Infinity'], 'w', Infinity, 0);
  refused([MEAN], MEAN, 0);
  refused(['above 0'], 'input.deviation', 1, 0);
});

test('a checkpoint with any bit flipped in its header has all its parts, or is refused', () => {
  const bytes = readFileSync(sound);
  const expected = Object.keys(readCheckpoint(sound));
  const length = Number(bytes.readBigUInt64LE(0));
  for (let bit = 0; bit < (8 + length) * 8; bit += 5) {
    const copy = Buffer.from(bytes);
    copy[bit >> 3] ^= 1 << (bit & 7);
    writeFileSync(path, copy);
    try {
      assert.deepEqual(Object.keys(readCheckpoint(path)), expected);
    } catch (error) {
      if ((error as Error).constructor.name !== 'SamMilError') throw error;
    }
  }
});

test('a transposed matrix is refused by its name and both shapes', () => {
  const spec = { name: 'w', init: 'zeros' } as const;
  const content = {
    ...{
      config,
      target: { endpoint: 'classification' as const, classes: ['a', 'b'] },
      groupFeatures: true,
      training: {},
    },
    weights: { w: new Float32Array(6) },
  };
  for (const file of [path, join(folder, 'transposed.pt')]) {
    writeCheckpoint(file, content, [{ ...spec, shape: [2, 3] }]);
    const read = readCheckpoint(file);
    assert.deepEqual(weightsFor(read, [{ ...spec, shape: [2, 3] }], file), content.weights);
    expectError('InvalidInput', ['weight "w"', 'expected 3 x 2', 'found 2 x 3'], () =>
      weightsFor(read, [{ ...spec, shape: [3, 2] }], file),
    );
  }
});
