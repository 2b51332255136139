import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../../../../../domain/files/safetensors.js';
import { viewBytes } from '../../../../../../domain/files/tensor.js';
import { openCheckpointEncoder } from '../../../../../../domain/pathology/extract/encoders/checkpoint-encoder.js';
import type {
  EncoderInfo,
  OpenEncoder,
} from '../../../../../../domain/pathology/extract/encoders/encoder.js';
import { fixture } from '../../../../../support/fixtures.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';
import {
  expectedValues,
  largestDifference,
  openVit,
  patchesOf,
} from '../../../../../support/vit-fixtures.js';

const GOOD = fixture('vit/odd/good.safetensors');
const KEYS = { name: 'tiny', architecture: 'vit', config: fixture('vit/odd/config.json') };

const GOOD_INFO: EncoderInfo = {
  name: 'tiny',
  version: 1,
  weightsDigest: null,
  inputSize: 32,
  resize: 'bicubic',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  dim: 8,
  license: '',
  note: '',
};

async function assertGood(encoder: OpenEncoder): Promise<void> {
  const features = await encoder.encode(await patchesOf(['a_32.png', 'b_32.png']), 2);
  assert.ok(largestDifference(features, expectedValues('odd', 'good.features.npy')) < 3e-5);
}

/** The tensors of the small model in two files with an index, as the Hugging Face libraries write them. */
function sharded(context: TestContext): { folder: string; index: string; map: Record<string, string> } {
  const folder = temporaryFolder(context);
  const entries = Object.entries(readSafetensors(GOOD).tensors);
  const map: Record<string, string> = {};
  [entries.slice(0, 20), entries.slice(20)].forEach((part, number) => {
    const file = `model-0000${number + 1}-of-00002.safetensors`;
    writeSafetensors(join(folder, file), Object.fromEntries(part));
    for (const [name] of part) map[name] = file;
  });
  const index = join(folder, 'model.safetensors.index.json');
  writeFileSync(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }));
  return { folder, index, map };
}

test('a checkpoint in several files is read through its index', async (context) => {
  await assertGood(await openVit(context, { ...KEYS, weights: sharded(context).index }));
});

test('a part that is missing, or that does not fit the index, is refused by name', async (context) => {
  const { folder, index, map } = sharded(context);
  const second = join(folder, 'model-00002-of-00002.safetensors');
  const rewrite = (value: unknown): void => writeFileSync(index, JSON.stringify(value));
  const refused = (message: RegExp): Promise<void> =>
    assert.rejects(openVit(context, { ...KEYS, weights: index }), { message });
  renameSync(second, join(folder, 'elsewhere'));
  await refused(/parts of the checkpoint are missing.*no model-00002-of-00002\.safetensors/);
  renameSync(join(folder, 'elsewhere'), second);
  rewrite({ weight_map: { ...map, 'norm.extra': 'model-00002-of-00002.safetensors' } });
  await refused(/disagree on tensor norm\.extra; expected in this file/);
  const [name] = Object.keys(map);
  rewrite({ weight_map: { ...map, [name]: 'model-00002-of-00002.safetensors' } });
  await refused(new RegExp(`disagree on tensor ${name}`));
  rewrite({ weight_map: { ...map, [name]: '../model-00001-of-00002.safetensors' } });
  await refused(/not the index of a checkpoint.*\.\.\/model/);
  rewrite({ tensors: [] });
  await refused(/no `weight_map`/);
});

test('tensors behind the first two gigabytes of a file are found', async (context) => {
  const folder = temporaryFolder(context);
  const weights = join(folder, 'large.safetensors');
  const tensors = Object.entries(readSafetensors(GOOD).tensors);
  // A classifier, which is not used, as a hole at the start.
  const hole = 2 ** 31 + 2 ** 20;
  let offset = hole;
  const header: Record<string, unknown> = {
    'head.weight': { dtype: 'U8', shape: [hole], data_offsets: [0, hole] },
  };
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(weights, 'w');
  writeSync(file, Buffer.concat([length, text]));
  ftruncateSync(file, 8 + text.length + hole);
  let position = 8 + text.length + hole;
  for (const [, { data }] of tensors)
    position += writeSync(file, viewBytes(data), 0, data.byteLength, position);
  closeSync(file);
  // Without an encoder file, which would need the digest of all these zeros.
  const info = { ...GOOD_INFO, name: 'large' };
  const checkpoint = { architecture: 'vit', path: weights, vit: { heads: 2 } } as const;
  const encoder = await openCheckpointEncoder(info, checkpoint, { device: 'cpu' });
  await assertGood(encoder);
  await encoder.close();
});
