import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { definition } from '../../../../activities/pathology/segment.js';
import { digestOfFile } from '../../../../domain/digest.js';
import { readSafetensors, writeSafetensors } from '../../../../domain/files/safetensors.js';
import type { Tensor } from '../../../../domain/files/tensor.js';
import { writePt } from '../../../../domain/files/torch/torch-pt.js';
import type { InputFile } from '../../../../domain/job.js';
import { RandomStream } from '../../../../domain/random.js';
import { automaticMasks } from '../../../../domain/pathology/segment/sam/automatic-masks.js';
import { prepareSam } from '../../../../domain/pathology/segment/sam/network/open-sam-model.js';
import { findSegmenter, SEGMENTER_NAMES } from '../../../../domain/pathology/segment/segmenters.js';
import { importWeights } from '../../../../domain/machine/weights/import-weights.js';
import type { Weights } from '../../../../domain/machine/weights/weights-entry.js';
import { findWeights } from '../../../../domain/machine/weights/weights-store.js';
import { fixture } from '../../../support/fixtures.js';
import { freshCache } from '../../../support/fresh-cache.js';
import { writeHollowSam } from '../../../support/sam-layout.js';
import { parametersOf, type SamCase, samJson } from '../../../support/sam-case.js';
import { openSmallSam, samImage, writeSmallSam } from '../../../support/small-sam.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();
const kept = process.env.SAM_MIL_CACHE;
before(async () => (process.env.SAM_MIL_CACHE = await freshCache(folder)));
after(() => {
  if (kept === undefined) delete process.env.SAM_MIL_CACHE;
  else process.env.SAM_MIL_CACHE = kept;
});

const keyOf = (segmenter: string, inputs: Record<string, InputFile> = {}): Promise<unknown> | undefined =>
  definition.hiddenInputs?.({ segmenter }, inputs).then((hidden) => hidden.segmenter);

test('refuses an unknown name and lists the known ones', async () => {
  assert.deepEqual(SEGMENTER_NAMES, ['sam-vit-h', 'sam-vit-l', 'sam-vit-b', 'mobile-sam', 'watershed']);
  await assert.rejects(findSegmenter('sam'), {
    code: 'InvalidInput',
    message: /unknown segmenter "sam"; expected sam-vit-h, .*or a YAML or JSON segmenter file/,
  });
});

describe('a published SAM', () => {
  test('without weights, the key reports how to install them', async () => {
    for (const name of SEGMENTER_NAMES.filter((one) => one !== 'watershed')) {
      await assert.rejects(async () => keyOf(name), {
        code: 'WeightsMissing',
        message: new RegExp(`npx sam-mil models fetch ${name}`),
      });
      const { info } = await findSegmenter(name);
      assert.match(info.note, /not on pathology/);
      assert.equal(info.license, 'Apache-2.0');
    }
  });

  test('runs from its imported checkpoint, whose digest is in the key', async () => {
    const file = writeWideSam(folder);
    // Not a published design, because a ViT-B is too large for a test.
    await importWeights('sam-vit-b', file, { acceptDigest: true, prepare: prepareSam });
    const { path } = findWeights('sam-vit-b');
    const graphs = readdirSync(dirname(path)).filter((name) => name.endsWith('.onnx'));
    assert.equal(graphs.length, 2);
    const weightsDigest = await digestOfFile(file);
    assert.deepEqual(await keyOf('sam-vit-b'), { name: 'sam-vit-b', version: 1, weightsDigest });
    const lines: string[] = [];
    const masks = await (
      await findSegmenter('sam-vit-b')
    ).segment(
      await samImage(),
      { ...PARAMETERS, predIouThresh: 0, stabilityScoreThresh: 0 },
      contextOf(lines),
    );
    // Random weights give meaningless masks, but any masks show that both networks ran.
    assert.ok(masks.length > 0);
    assert.match(
      lines.join('\n'),
      /segmenter sam-vit-b runs on cpu \(cpu was requested\)\nkept \d+ of 192 masks from 1 crops/,
    );
  });

  test('refuses a checkpoint of another SAM even if any digest is accepted, and names the fitting model', async () => {
    const file = join(folder, 'vit_l.safetensors');
    writeHollowSam(file, 'vit_l');
    const prepare = async (weights: Weights): Promise<void> =>
      (await findSegmenter(weights.name)).prepare?.(weights);
    const as = (name: string) => prepare({ name, path: file, folder, digest: '' });
    await assert.rejects(as('sam-vit-b'), {
      code: 'UnsupportedFormat',
      message:
        /vit_l\.safetensors: .*do not belong to sam-vit-b; expected .*a ViT of 12 blocks, 768 wide.*found a ViT of 24 blocks, 1024 wide, as in sam-vit-l; Next: import it as sam-vit-l/,
    });
    await assert.rejects(as('mobile-sam'), { code: 'UnsupportedFormat', message: /expected .* a TinyViT/ });
    await as('sam-vit-l');
    assert.ok(existsSync(`${file}.encoder.onnx`));
    const own = writeWideSam(folder);
    await assert.rejects(importWeights('sam-vit-b', own, { acceptDigest: true, prepare }), {
      code: 'UnsupportedFormat',
      message: /wide\.safetensors: .*found a ViT of \d+ blocks, 48 wide; Next: register a custom SAM/,
    });
  });

  test('refuses a checkpoint of another network', async () => {
    const file = join(folder, 'other.pth');
    const weight = { dtype: 'float32' as const, shape: [4], data: new Float32Array(4) };
    writePt(file, { tensors: { weight } });
    const segmenter = await findSegmenter('sam-vit-l');
    const prepare = async (weights: Weights): Promise<void> => segmenter.prepare?.(weights);
    await assert.rejects(importWeights('sam-vit-l', file, { acceptDigest: true, prepare }), {
      code: 'UnsupportedFormat',
    });
    assert.throws(() => findWeights('sam-vit-l'), { code: 'WeightsMissing' });
  });
});

describe('a SAM that a file describes', () => {
  const own = join(folder, 'own');
  before(() => mkdirSync(own, { recursive: true }));

  test('runs, with the digest of its weights, the version and the heads in its key', async () => {
    const path = writeSmallSam(own);
    const weightsDigest = await digestOfFile(fixture('sam/sam_small.safetensors'));
    const network = { version: 1, decoderHeads: 4, imageSize: null };
    const key = { name: 'small-sam', version: 1, weightsDigest, network };
    assert.deepEqual(await keyOf(path), key);
    const given = { segmenter: { path, digest: '', name: 'small-sam' } };
    assert.deepEqual(await definition.hiddenInputs?.({}, given).then(({ segmenter }) => segmenter), key);
    const lines: string[] = [];
    const definitionOfFile = await findSegmenter(path);
    const masks = await definitionOfFile.segment(await samImage(), PARAMETERS, contextOf(lines));
    const expected = await automaticMasks(
      await openSmallSam(own),
      '',
      await samImage(),
      PARAMETERS,
      contextOf([]),
    );
    assert.deepEqual(masks, expected.masks);
    writeSmallSam(own, { version: 2, note: 'second' });
    assert.deepEqual(await keyOf(path), { ...key, version: 2 });
  });

  test('names all errors of the file at once, and the file that a missing checkpoint requires', async () => {
    const path = join(own, 'bad.yaml');
    writeFileSync(path, 'name: ""\narchitecture: unet\ndecoder-heads: 0.5\nweight: x.pth\n');
    await assert.rejects(findSegmenter(path), {
      code: 'InvalidInput',
      message:
        /bad\.yaml: the segmenter file has 4 faults:\na segmenter file has no key `weight` \(did you mean `weights`\?\)\n`name` cannot be empty .*\n`architecture` cannot be the text "unet" \(allowed: sam; .*\n`decoder-heads` must be a whole number, found the number 0\.5 \(attention heads/,
    });
    writeFileSync(path, '- 1');
    await assert.rejects(findSegmenter(path), {
      code: 'InvalidInput',
      message: /a segmenter file must be a mapping, found a list; expected the keys name, version/,
    });
    writeFileSync(path, 'name: [');
    await assert.rejects(findSegmenter(path), {
      code: 'InvalidInput',
      message: /cannot read the segmenter file/,
    });
    writeFileSync(path, 'name: mine\narchitecture: sam\nweights: gone.pth\n');
    await assert.rejects(findSegmenter(path), {
      code: 'WeightsMissing',
      message: /gone\.pth.*copy the file/,
    });
  });

  test('does not use weights that were replaced after the key was computed', async () => {
    const path = writeSmallSam(own);
    const segmenter = await findSegmenter(path);
    const weights = join(own, 'sam_small.safetensors');
    rmSync(weights);
    writeFileSync(weights, 'others');
    await assert.rejects(segmenter.segment(await samImage(), PARAMETERS, contextOf([])), {
      code: 'Unavailable',
      message: /were just replaced/,
    });
  });
});

const PARAMETERS = parametersOf(samJson<SamCase>('auto_single_crop').parameters);

let searches = 0;
function contextOf(lines: string[]): Parameters<typeof automaticMasks>[4] {
  const checkpoint = join(folder, `checkpoint-${searches++}`);
  mkdirSync(checkpoint);
  return {
    signal: new AbortController().signal,
    checkpoint,
    device: 'cpu',
    threads: 2,
    progress: () => undefined,
    log: (line) => lines.push(line),
  };
}

/**
 * Random weights as wide as the published models' prompts and decoder are, with the small model's image
 * encoder.
 */
function writeWideSam(into: string): string {
  const random = new RandomStream('wide sam');
  const wider = new Map([8, 16, 32, 64].map((size) => [size, 4 * size]));
  const { tensors } = readSafetensors(fixture('sam/sam_small.safetensors'));
  const wide = Object.entries(tensors).map(([name, tensor]): [string, Tensor] => {
    if (!/neck|prompt_encoder|mask_decoder/.test(name)) return [name, tensor];
    const shape = tensor.shape.map((size) => wider.get(size) ?? size);
    const data = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => random.uniform() * 0.2 - 0.1,
    );
    return [name, { dtype: 'float32', shape, data }];
  });
  const path = join(into, 'wide.safetensors');
  writeSafetensors(path, Object.fromEntries(wide));
  return path;
}
