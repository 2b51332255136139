import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  HUB_ENCODER_NAMES,
  type HubEncoderName,
} from '../../../../../domain/machine/weights/hub-encoders.js';
import { hubFile } from '../../../../../domain/machine/weights/hub-file.js';
import { importWeights } from '../../../../../domain/machine/weights/import-weights.js';
import type { UrlEntry } from '../../../../../domain/machine/weights/weights-entry.js';
import { readFloatNpy } from '../../../../support/npy.js';
import { visionTransformer } from '../../../../../domain/pathology/extract/encoders/manifest-encoders.js';
import {
  PUBLISHED_ENCODERS,
  type PublishedEncoder,
} from '../../../../../domain/pathology/extract/encoders/published-encoders.js';
import { keyOfEncoder } from '../../../../../domain/pathology/extract/encoders/encoders.js';
import { fixture } from '../../../../support/fixtures.js';
import { freshCache } from '../../../../support/fresh-cache.js';
import { fixturePixels } from '../../../../support/pixels.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

interface Case {
  variant: string;
  checkpoint: string;
  case: string;
  size: number;
  heads: number;
  'pooler-heads'?: number;
  features: string;
  images: string[];
}

const cases = JSON.parse(readFileSync(fixture('vit/cases.json'), 'utf8')) as Case[];

/** Published encoders, each with a small network of random weights that has the same structure and names. */
const STAND_INS: [HubEncoderName, variant: string, which: string][] = [
  ['lunit-vits8', 'timm_plain_p8', 'native'],
  ['uni', 'timm_layerscale_p16', 'native'],
  ['virchow2', 'timm_swiglu_p14_reg4_in_pos', 'native'],
  ['uni2-h', 'timm_swiglu_p14_reg8', 'native'],
  ['kaiko-vitl14', 'timm_gelu_p14_reg4_large_grid', 'smaller'],
  ['openmidnight', 'dinov2_swiglu_p14_reg4', 'larger'],
  ['phikon', 'hf_vit_p16', 'native'],
  ['midnight-12k', 'hf_dinov2_swiglu_p14_large_grid', 'smaller'],
  ['hibou-b', 'hf_dinov2_swiglu_p14_reg4', 'native'],
  ['conch', 'conch_v1_visual', 'smaller'],
  ['conch-v1.5', 'conch_v15', 'larger'],
];

for (const [name, variant, which] of STAND_INS) {
  test(`${name}: a small checkpoint of its layout, imported, gives the features of the authors' code`, async (context) => {
    const one = cases.find((candidate) => candidate.variant === variant && candidate.case === which);
    assert.ok(one, 'the fixture has this case');
    const kept = process.env.SAM_MIL_CACHE;
    process.env.SAM_MIL_CACHE = await freshCache(temporaryFolder(context));
    context.after(() => {
      if (kept === undefined) delete process.env.SAM_MIL_CACHE;
      else process.env.SAM_MIL_CACHE = kept;
    });
    const { data: expected, shape } = readFloatNpy(fixture(`vit/${variant}/${one.features}`));
    const entry = ownEntry(name, one.checkpoint);
    const small = smallOf(PUBLISHED_ENCODERS[name], one, shape[1]);
    const before = visionTransformer(entry, small);
    const imported = await importWeights(entry, fixture(`vit/${variant}/${one.checkpoint}`), {
      prepare: async (weights) => before.prepare?.(weights),
    });
    const definition = visionTransformer(entry, small);
    assert.equal(definition.info.weightsDigest, imported.digest);
    const encoder = await definition.open({ device: 'cpu', threads: 1 });
    context.after(() => encoder.close());
    const images = await Promise.all(one.images.map((image) => fixturePixels(join('vit/inputs', image))));
    const rgb = Buffer.concat(images.map(({ data }) => data));
    const features = await encoder.encode(rgb, images.length);
    assert.equal(features.length, expected.length);
    const apart = features.map((value, i) => Math.abs(value - expected[i]));
    assert.ok(Math.max(...apart) <= 3e-5, `${Math.max(...apart)}`);
  });
}

/** An entry of a manifest of one's own: no digest is pinned for a small file. */
function ownEntry(name: string, file: string): UrlEntry {
  const hub = hubFile({ name: `lab/${name}`, revision: 'main' }, file);
  return { name, kind: 'encoder', from: 'url', ...hub, license: 'none', source: 'a test', note: 'a test' };
}

/** The published encoder with the sizes of the small network; all else is that of the table. */
function smallOf(published: PublishedEncoder, one: Case, dim: number): PublishedEncoder {
  const { poolerHeads } = published.vit;
  const vit = {
    ...published.vit,
    heads: one.heads,
    imageSize: undefined,
    poolerHeads: poolerHeads && one['pooler-heads'],
  };
  return { ...published, vit, dim, inputSize: one.size, resizeTo: undefined };
}

test('a checkpoint of another structure is refused by name when it is imported', async (context) => {
  const kept = process.env.SAM_MIL_CACHE;
  process.env.SAM_MIL_CACHE = await freshCache(temporaryFolder(context));
  context.after(() => {
    if (kept === undefined) delete process.env.SAM_MIL_CACHE;
    else process.env.SAM_MIL_CACHE = kept;
  });
  const entry = ownEntry('uni', 'model.safetensors');
  const uni = visionTransformer(entry, PUBLISHED_ENCODERS.uni);
  const file = fixture('vit/timm_plain_p8/model.safetensors');
  await assert.rejects(importWeights(entry, file, { prepare: async (weights) => uni.prepare?.(weights) }), {
    code: 'UnsupportedFormat',
  });
});

test('the options of the network are part of the key, and every published encoder has a row', () => {
  assert.deepEqual(Object.keys(PUBLISHED_ENCODERS).sort(), [...HUB_ENCODER_NAMES].sort());
  const key = (encoder: PublishedEncoder) => {
    const { info } = visionTransformer(ownEntry('test', 'model.bin'), encoder);
    return keyOfEncoder({ ...info, weightsDigest: null });
  };
  const { uni } = PUBLISHED_ENCODERS;
  assert.notDeepEqual(key({ ...uni, vit: { ...uni.vit, heads: 8 } }), key(uni));
  assert.deepEqual(key({ ...uni, expects: { mpp: [1], side: 1 } }), key(uni), 'a warning changes no feature');
});
