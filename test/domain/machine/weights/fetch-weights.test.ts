import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { digestOf } from '../../../../domain/digest.js';
import { SamMilError } from '../../../../domain/errors.js';
import { writePt } from '../../../../domain/files/torch/torch-pt.js';
import { fetchWeights, type FetchOptions } from '../../../../domain/machine/weights/fetch-weights.js';
import { proxyFor } from '../../../../domain/machine/http/proxy.js';
import { findWeights, weightsFolder } from '../../../../domain/machine/weights/weights-store.js';
import { serveFile, serveProxy, type Behavior, type FileServer } from '../../../support/file-server.js';

const kept = { ...process.env };
const HALF = 1_000_000;
let folder: string;
let model: Buffer;
let other: Buffer;
let server: FileServer | undefined;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-fetch-'));
  [model, other] = [1, 2].map((seed) => {
    const path = join(folder, `${seed}.pth`);
    const data = Float32Array.from({ length: 500_000 }, (_, index) => (index * seed) % 251);
    writePt(path, { tensors: { weight: { dtype: 'float32', shape: [data.length], data } } });
    return readFileSync(path);
  });
});
beforeEach(() => {
  process.env.SAM_MIL_CACHE = mkdtempSync(join(folder, 'cache-'));
});
afterEach(async () => {
  process.env = { ...kept };
  await server?.close();
  server = undefined;
});
after(() => rmSync(folder, { recursive: true }));

async function serve(behavior: Behavior = {}, content: Uint8Array = model): Promise<FileServer> {
  return (server = await serveFile(content, behavior));
}

function fetchIt(from: FileServer, options: FetchOptions = {}) {
  return fetchWeights('plip', { url: from.url, acceptDigest: digestOf(model), pause: 0, ...options });
}

function partials(): string[] {
  const own = join(weightsFolder(), 'plip', '.fetch');
  return existsSync(own) ? readdirSync(own).sort() : [];
}

function assertWhole(): void {
  const found = findWeights('plip');
  assert.equal(found.digest, digestOf(model));
  assert.deepEqual(readFileSync(found.path), model);
  assert.deepEqual(partials(), []);
}

test('a lost connection is resumed where it stopped, and progress is reported', async () => {
  const from = await serve({ drops: [HALF] });
  const told: [number, number | undefined][] = [];
  await fetchIt(from, { progress: (done, total) => told.push([done, total]) });
  assertWhole();
  assert.equal(from.requests.length, 2);
  const start = Number(/^bytes=(\d+)-$/.exec(from.requests[1].range ?? '')?.[1]);
  assert.ok(start > 0 && start <= HALF, `${start}`);
  assert.match(from.requests[1].ifRange ?? '', /^"\w+"$/);
  assert.deepEqual(told.at(-1), [model.length, model.length]);
  assert.ok(told.every(([done], i) => i === 0 || done >= told[i - 1][0]));
});

test('data from an earlier command is not downloaded again', async () => {
  const from = await serve();
  const stopped = fetchIt(from, {
    progress: (done) => {
      if (done > HALF) throw new SamMilError('DiskFull', 'the disk is full');
    },
  });
  await assert.rejects(stopped, { code: 'DiskFull' });
  assert.deepEqual(partials(), ['model.pth.partial', 'model.pth.partial.json']);
  await fetchIt(from);
  assertWhole();
  assert.ok(Number(/^bytes=(\d+)-$/.exec(from.requests[1].range ?? '')?.[1]) > HALF);
});

test('it gives up after several attempts without data, and keeps the partial file', async () => {
  const from = await serve({ drops: [HALF, ...Array<number>(50).fill(0)] });
  await assert.rejects(fetchIt(from), {
    code: 'Unavailable',
    message: /the server closed the connection before its answer was complete/,
  });
  assert.ok(from.requests.length > 3 && from.requests.length < 10, `${from.requests.length}`);
  assert.deepEqual(partials(), ['model.pth.partial', 'model.pth.partial.json']);
});

test('the download restarts if the server ignores Range or has a different file', async () => {
  const deaf = await serve({ ignoreRange: true, drops: [HALF, HALF] });
  await fetchIt(deaf);
  assertWhole();
  await deaf.close();
  rmSync(join(weightsFolder(), 'plip'), { recursive: true });
  const changing = await serve({ drops: [HALF] }, other);
  await fetchIt(changing, { progress: () => void (changing.content = model) });
  assertWhole();
});

test('without a validator the partial file is still used, and the digest detects a mismatch', async () => {
  const from = await serve({ noValidator: true, drops: [HALF] });
  await fetchIt(from);
  assertWhole();
  assert.equal(from.requests[1].ifRange, undefined);
  rmSync(join(weightsFolder(), 'plip'), { recursive: true });
  await from.close();
  // Half of one file and half of another.
  const mixed = await serve({ noValidator: true, drops: [HALF] }, other);
  await assert.rejects(fetchIt(mixed, { progress: (done) => done > 0 && (mixed.content = model) }), {
    code: 'InvalidInput',
    message: /not the file whose digest was accepted; expected sha256:.*; found sha256:/,
  });
  assert.deepEqual(partials(), [], 'wrong data is removed');
  await fetchIt(mixed);
  assertWhole();
});

test('wrong bytes are rejected with both digests and removed', async () => {
  const from = await serve({}, other);
  await assert.rejects(fetchWeights('plip', { url: from.url, pause: 0 }), {
    code: 'InvalidInput',
    message: new RegExp(
      `${from.url}: this is not a published file of plip; expected sha256:98a7\\w+ .*found ${digestOf(other)}`,
    ),
  });
  assert.throws(() => findWeights('plip'), { code: 'WeightsMissing' });
  assert.deepEqual(partials(), []);
});

test('a file of a different size, such as a login page, is rejected before the download', async () => {
  const from = await serve({}, Buffer.from('<html>please log in</html>'));
  await assert.rejects(fetchWeights('sam-vit-b', { url: from.url, pause: 0 }), {
    code: 'InvalidInput',
    message: /expected 375042383 bytes; found 26 bytes.*models import sam-vit-b sam_vit_b_01ec64\.pth/,
  });
});

test('a download of unstated size stops at the largest valid size', async () => {
  const sized = 40_728_226;
  const endless = await serve({ noLength: true }, new Uint8Array(sized + 5_000_000));
  let most = 0;
  const progress = (done: number) => void (most = Math.max(most, done));
  await assert.rejects(fetchWeights('mobile-sam', { url: endless.url, pause: 0, progress }), {
    code: 'InvalidInput',
    message: /the server sent a different file; expected 40728226 bytes; found at least \d+ bytes/,
  });
  assert.ok(most <= sized, `${most} bytes were kept`);
  assert.equal(endless.requests.length, 1);
  assert.deepEqual(readdirSync(join(weightsFolder(), 'mobile-sam', '.fetch')), []);
  await endless.close();
  const whole = await serve({ noLength: true });
  await fetchIt(whole);
  assertWhole();
});

test('404 is final, 503 is not, a redirect is followed', async () => {
  const gone = await serve({ statuses: [404] });
  await assert.rejects(fetchIt(gone), {
    code: 'Unavailable',
    message:
      /download failed: the server responded with HTTP status 404; Next: .*models import plip pytorch_model\.bin/,
  });
  assert.equal(gone.requests.length, 1);
  await gone.close();
  const busy = await serve({ statuses: [503, 429] });
  await fetchIt(busy, { url: busy.url.replace('/model.pth', '/moved/model.pth') });
  assertWhole();
  assert.equal(busy.requests.length, 4);
});

test('a busy or unreachable server gives Unavailable with an alternative', async () => {
  const busy = await serve({ statuses: Array<number>(50).fill(503) });
  await assert.rejects(fetchIt(busy), {
    code: 'Unavailable',
    message: /the server responded with HTTP status 503/,
  });
  assert.ok(busy.requests.length > 2 && busy.requests.length < 10);
  await busy.close();
  await assert.rejects(fetchIt(busy), {
    code: 'Unavailable',
    message: /ECONNREFUSED.*curl -L -o pytorch_model\.bin https:/,
  });
  await assert.rejects(fetchIt(busy, { url: 'ftp://here/model.pth' }), { message: /ftp: is not supported/ });
  await assert.rejects(fetchIt(busy, { url: 'model.pth' }), {
    code: 'InvalidInput',
    message: /is not a URL/,
  });
});

test('a file that does not fit the architecture is not installed, but its correct bytes are kept', async () => {
  const from = await serve();
  const prepare = async () => {
    throw new SamMilError('UnsupportedFormat', 'tensor x is missing');
  };
  await assert.rejects(fetchIt(from, { prepare }), { code: 'UnsupportedFormat' });
  assert.throws(() => findWeights('plip'), { code: 'WeightsMissing' });
  await fetchIt(from, { prepare: async () => undefined });
  assertWhole();
  assert.equal(from.requests[1].range, `bytes=${model.length}-`);
});

test('requests use the proxy in the environment, with its password, except for hosts in no_proxy', async () => {
  const from = await serve();
  const proxy = await serveProxy();
  process.env.http_proxy = proxy.url.replace('http://', 'http://user:p%40ss@');
  const port = new URL(from.url).port;
  await fetchIt(from, { url: `http://models.invalid:${port}/model.pth` });
  assertWhole();
  const password = Buffer.from('user:p@ss').toString('base64');
  assert.deepEqual(proxy.asked, [`models.invalid:${port} Basic ${password}`]);
  process.env.no_proxy = '127.0.0.1';
  await fetchIt(from);
  assert.equal(proxy.asked.length, 1);
  await proxy.close();
});

test('the proxy is selected by the rules of curl', () => {
  const at = (url: string, environment: NodeJS.ProcessEnv) => proxyFor(new URL(url), environment);
  const https = { HTTPS_PROXY: 'proxy:3128' };
  assert.equal(at('https://a.org/', {}), undefined);
  assert.equal(at('https://a.org/', https), 'http://proxy:3128');
  assert.equal(at('http://a.org/', https), undefined);
  assert.equal(at('http://a.org/', { ...https, ALL_PROXY: 'http://all' }), 'http://all');
  assert.equal(at('https://a.org/', { ...https, https_proxy: 'http://small' }), 'http://small');
  for (const [list, direct] of [
    ['a.org', true],
    ['.org', true],
    ['*.org', true],
    ['b.org, A.org:443', true],
    ['a.org:8080', false],
    ['ba.org', false],
    ['*', true],
    ['', false],
  ] as const) {
    assert.equal(at('https://a.org/', { ...https, NO_PROXY: list }) === undefined, direct, list);
    assert.equal(at('https://xa.org/', { ...https, NO_PROXY: 'a.org' }), 'http://proxy:3128');
  }
});
