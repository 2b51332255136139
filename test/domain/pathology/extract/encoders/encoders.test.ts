import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { definition as extract } from '../../../../../activities/pathology/extract.js';
import type { EncoderDefinition } from '../../../../../domain/pathology/extract/encoders/encoder.js';
import {
  chooseEncoder,
  ENCODER_NAMES,
  findEncoder,
  keyOfEncoder,
} from '../../../../../domain/pathology/extract/encoders/encoders.js';
import { OnnxGraph } from '../../../../../domain/machine/onnx/onnx-graph.js';
import { executionProviders } from '../../../../../domain/machine/onnx/onnx-session.js';
import { STAIN_TEXTURE_FEATURES } from '../../../../../domain/pathology/extract/encoders/stain-texture.js';
import { SamMilError } from '../../../../../domain/errors.js';
import { RandomStream } from '../../../../../domain/random.js';
import { resizeRgb } from '../../../../support/pixels.js';
import { fixturePixels } from '../../../../support/pixels.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';
import { writeTinyEncoder } from '../../../../support/tiny-encoder.js';

/**
 * Every encoder answers for the same things: built-in ones by name, and one that a person registers by a
 * file.
 */
for (const name of [...ENCODER_NAMES, 'an encoder file']) {
  describe(`encoder conformance: ${name}`, () => {
    const find = (context: TestContext): Promise<EncoderDefinition> =>
      findEncoder(ENCODER_NAMES.includes(name) ? name : writeTinyEncoder(temporaryFolder(context)));

    test('states its identity', async (context) => {
      const { info } = await find(context);
      if (ENCODER_NAMES.includes(name)) assert.equal(info.name, name);
      assert.ok(Number.isInteger(info.version) && info.version >= 1);
      assert.ok(info.weightsDigest == null || /^sha256:[0-9a-f]{64}$/.test(info.weightsDigest));
      assert.ok(info.inputSize >= 32 && info.dim >= 1);
      assert.ok(info.std.every((value) => value > 0));
      assert.ok(info.license !== '' && info.note !== '');
    });

    test('returns the same finite bits for a patch alone, in any batch, and with any number of threads', async (context) => {
      const definition = await find(context);
      if (!(await isThere(definition))) return context.skip('its weights are not on this machine');
      const { inputSize: size, dim } = definition.info;
      const batch = await patches(size);
      const bytes = size * size * 3;
      const encoder = await definition.open({ device: 'cpu', threads: 1 });
      const all = Float32Array.from(await encoder.encode(batch, 3));
      assert.equal(all.length, 3 * dim);
      assert.ok(all.every(Number.isFinite));
      assert.notDeepEqual(all.subarray(0, dim), all.subarray(dim, 2 * dim), 'patches differ');
      const second = await encoder.encode(batch.subarray(bytes, 2 * bytes), 1);
      assert.deepEqual(Float32Array.from(second), all.slice(dim, 2 * dim), 'alone');
      await encoder.close();
      const threaded = await definition.open({ device: 'cpu', threads: 3 });
      assert.deepEqual(Float32Array.from(await threaded.encode(batch, 3)), all, 'threads');
      await threaded.close();
    });

    test('accepts patches of another requested size', async (context) => {
      const definition = await find(context);
      if (!(await isThere(definition))) return context.skip('its weights are not on this machine');
      const encoder = await definition.open({ size: 96, device: 'cpu' });
      assert.equal(encoder.size, 96);
      assert.equal((await encoder.encode(await patches(96), 3)).length, 3 * definition.info.dim);
      await encoder.close();
    });

    test('reports its device, and why a missing device is not used', async (context) => {
      const definition = await find(context);
      if (!(await isThere(definition))) return context.skip('its weights are not on this machine');
      const encoder = await definition.open({ device: 'tensorrt' });
      assert.ok(['cpu', 'tensorrt'].includes(encoder.provider.name));
      assert.notEqual(encoder.provider.why, '');
      await encoder.close();
    });
  });
}

test('the named features of stain-texture reflect the stain', async () => {
  assert.equal(STAIN_TEXTURE_FEATURES.length, 64);
  assert.equal(new Set(STAIN_TEXTURE_FEATURES).size, 64);
  const encoder = await (await findEncoder('stain-texture')).open({ size: 32 });
  const flat = (r: number, g: number, b: number): Uint8Array =>
    Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => [r, g, b][i % 3]);
  const at = (name: string): number => STAIN_TEXTURE_FEATURES.indexOf(name);
  const white = await encoder.encode(flat(255, 255, 255), 1);
  assert.equal(white[at('share of tissue')], 0);
  assert.equal(white[at('hematoxylin mean')], 0);
  // Blue-violet like nuclei, pink like stroma.
  const nuclei = await encoder.encode(flat(80, 60, 140), 1);
  const stroma = await encoder.encode(flat(235, 120, 225), 1);
  assert.ok(nuclei[at('hematoxylin mean')] > 3 * stroma[at('hematoxylin mean')]);
  assert.ok(stroma[at('eosin mean')] > stroma[at('hematoxylin mean')]);
  assert.equal(nuclei[at('share of tissue')], 1);
  assert.equal(nuclei[at('hematoxylin std')], 0, 'a flat patch has no texture');
});

describe('an encoder file', () => {
  const refused: [string, Record<string, unknown>, RegExp][] = [
    [
      'a missing key',
      { dim: undefined },
      /tiny\.yaml: an encoder file .* requires the key `dim` \(length of a feature vector\)/,
    ],
    ['an unknown key', { means: [0, 0, 0] }, /has no key `means` \(did you mean `mean`\?\)/],
    [
      'malformed values, every one of them',
      { std: [0, 1, 1], size: -3, mean: [1, 2], resize: 'bilinaer' },
      /`size` must be at least 1, found the number -3 \(side of .*`resize` cannot be the text "bilinaer" \(did you mean `bilinear`\?.*`mean` must have 3 items, found 2 \(three numbers.*`std\.0` must be more than 0, found the number 0 \(three positive/s,
    ],
    [
      'keys of a model and of a checkpoint',
      { architecture: 'resnet5', weights: 'x.pth' },
      /an encoder file with `architecture` or `weights` has no key `onnx`.*`architecture` cannot be the text "resnet5" \(did you mean `resnet50`\?; .*resnet50, clip-vit, efficientnet-lite0, vit\)/s,
    ],
  ];
  for (const [what, changes, message] of refused) {
    test(`is refused with ${what}`, async (context) => {
      const path = writeTinyEncoder(temporaryFolder(context), changes);
      await assert.rejects(findEncoder({ path }), { code: 'InvalidInput', message });
    });
  }

  test('is refused if a number is not finite', async (context) => {
    const path = writeTinyEncoder(temporaryFolder(context));
    writeFileSync(path, readFileSync(path, 'utf8').replace('[0.5,0.5,0.5]', '[0.5,0.5,.inf]'));
    await assert.rejects(findEncoder({ path }), {
      code: 'InvalidInput',
      message: /`mean\.2` must be a number, found the number Infinity/,
    });
  });

  test('is refused if its model is missing, with the required file', async (context) => {
    const path = writeTinyEncoder(temporaryFolder(context), { onnx: 'gone.onnx' });
    await assert.rejects(findEncoder(path), {
      code: 'WeightsMissing',
      message: /gone\.onnx.*Next: copy the file/,
    });
  });

  test('is refused if its model returns another dimension, with both', async (context) => {
    const definition = await findEncoder(writeTinyEncoder(temporaryFolder(context), { dim: 7 }));
    await assert.rejects(definition.open({ device: 'cpu' }), {
      code: 'InvalidInput',
      message: /tiny\.onnx: output embedding.*expected float32 \[n, 7\]; found float32 \[n, 5\]/,
    });
  });

  test('is refused if its model requires another input size, with both', async (context) => {
    const definition = await findEncoder(writeTinyEncoder(temporaryFolder(context), { size: 48 }, 64));
    await assert.rejects(definition.open({ device: 'cpu' }), {
      code: 'InvalidInput',
      message: /input pixels .*expected \[n, 3, 48, 48\]; found \[n, 3, 64, 64\]/,
    });
  });

  test('reports the error of a model that fails on a size it seems to accept', async (context) => {
    const folder = temporaryFolder(context);
    const path = writeTinyEncoder(folder);
    const graph = new OnnxGraph('one size');
    const flat = graph.node('Flatten', [graph.input('image', ['n', 3, 'h', 'w'])], { axis: 1 });
    const weights = graph.constant(Array<number>(5 * 3 * 32 * 32).fill(0.1), [5, 3 * 32 * 32]);
    graph.output(graph.node('Gemm', [flat, weights], { transB: 1 }, 'features'), ['n', 5]);
    writeFileSync(join(folder, 'tiny.onnx'), graph.encode());
    const definition = await findEncoder(path);
    const encoder = await definition.open({ device: 'cpu', size: 48 });
    await assert.rejects(encoder.encode(await patches(48), 3), {
      code: 'InvalidInput',
      message: /tiny\.onnx: the model failed to run; .*\[3, 3, 48, 48\].*Next: choose the `target-size`/,
    });
    await encoder.close();
    const fitting = await definition.open({ device: 'cpu', size: 32 });
    assert.equal((await fitting.encode(await patches(32), 3)).length, 15);
    await fitting.close();
  });

  test('is refused if its model is damaged', async (context) => {
    const folder = temporaryFolder(context);
    const path = writeTinyEncoder(folder);
    writeFileSync(join(folder, 'tiny.onnx'), 'not a model');
    await assert.rejects(findEncoder(path), { code: 'UnsupportedFormat', message: /not an ONNX model/ });
  });

  test('is refused if the part that is cut out is larger than the resized patch', async (context) => {
    const path = writeTinyEncoder(temporaryFolder(context), { 'resize-to': 24 });
    await assert.rejects(findEncoder(path), {
      code: 'InvalidInput',
      message: /tiny\.yaml: `resize-to` .*expected at least `size`, 32; found 24/,
    });
  });

  test('adds only a `resize-to` that cuts something off to its key', async (context) => {
    const folder = temporaryFolder(context);
    const keyWith = async (changes: Record<string, unknown>) =>
      keyOfEncoder((await findEncoder(writeTinyEncoder(folder, changes))).info);
    const plain = await keyWith({});
    assert.ok(!('resizeTo' in plain), 'keys of encoders without it stay as they were');
    assert.deepEqual(await keyWith({ 'resize-to': 32 }), plain);
    assert.deepEqual(await keyWith({ 'resize-to': 40 }), { ...plain, resizeTo: 40 });
  });

  test('changes its digest with the model', async (context) => {
    const folder = temporaryFolder(context);
    const path = writeTinyEncoder(folder);
    const before = (await findEncoder(path)).info.weightsDigest;
    writeTinyEncoder(folder, {}, 32);
    assert.notEqual((await findEncoder(path)).info.weightsDigest, before);
  });
});

test('the list of execution providers states what each lacks, and the CPU lacks nothing', async () => {
  const providers = await executionProviders();
  assert.deepEqual(
    providers.map(({ name }) => name),
    ['cuda', 'tensorrt', 'cpu'],
  );
  assert.equal(providers[2].lack, undefined);
  for (const { lack } of providers) assert.notEqual(lack, '');
});

test('refuses an unknown encoder and lists the known names', async () => {
  await assert.rejects(findEncoder('resnet-9'), {
    code: 'InvalidInput',
    message: /unknown encoder "resnet-9".*resnet50, plip, efficientnet-lite0, stain-texture/,
  });
});

test('unavailable weights: the error states how to install them, and a fallback is used with a reason', async (context) => {
  const kept = { ...process.env };
  context.after(() => Object.assign(process.env, kept));
  process.env.SAM_MIL_CACHE = temporaryFolder(context);
  process.env.PATH = '';
  process.env.PIP_INDEX_URL = 'http://127.0.0.1:9/simple';
  const lite0 = await findEncoder('efficientnet-lite0');
  await assert.rejects(lite0.open({}), {
    code: 'WeightsMissing',
    message: /Next: run `npx sam-mil doctor --set-up`.*stain-texture/,
  });
  const chosen = await chooseEncoder('efficientnet-lite0', 'stain-texture');
  assert.equal(chosen.definition.info.name, 'stain-texture');
  assert.match(chosen.fallbackBecause ?? '', /weights of efficientnet-lite0 are not on this machine/);
  const key = await extract.hiddenInputs?.({ encoder: 'efficientnet-lite0', fallback: 'stain-texture' }, {});
  assert.deepEqual(key?.encoder, keyOfEncoder(chosen.definition.info), 'the key is that of what is used');
});

test('the cache key includes the weights of the encoder', async () => {
  const key = await extract.hiddenInputs?.({ encoder: 'efficientnet-lite0' }, {});
  const { info } = await findEncoder('efficientnet-lite0');
  assert.match(JSON.stringify(key), new RegExp(String(info.weightsDigest)));
});

async function isThere(definition: EncoderDefinition): Promise<boolean> {
  try {
    await definition.bring(() => undefined);
    return true;
  } catch (error) {
    if (error instanceof SamMilError && error.code === 'WeightsMissing') return false;
    throw error;
  }
}

/** Three patches: real tissue, noise, a photograph. */
async function patches(size: number): Promise<Uint8Array> {
  const random = new RandomStream('encoder conformance');
  const [tissue, photograph] = await Promise.all(
    ['encoders/patch0.png', 'encoders/coffee.jpg'].map(fixturePixels),
  );
  const noise = Uint8Array.from({ length: size * size * 3 }, () => random.below(256));
  const to = { width: size, height: size };
  return Buffer.concat([
    resizeRgb(tissue.data, tissue, to, 'bilinear'),
    noise,
    resizeRgb(photograph.data, photograph, to, 'bilinear'),
  ]);
}
