import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { SamMilError } from '../../../../domain/errors.js';
import { writePt } from '../../../../domain/files/torch/torch-pt.js';
import { fetchWeights, type FetchOptions } from '../../../../domain/machine/weights/fetch-weights.js';
import { hubFile } from '../../../../domain/machine/weights/hub-file.js';
import { verifyWeights } from '../../../../domain/machine/weights/inventory.js';
import type { UrlEntry } from '../../../../domain/machine/weights/weights-entry.js';
import { readRecord } from '../../../../domain/machine/weights/weights-record.js';
import { findWeights } from '../../../../domain/machine/weights/weights-store.js';
import { COMMIT, type HubServer, serveHub, sha256, SIGNATURE } from '../../../support/hub-server.js';

const TOKEN = 'hf_ThisMustNeverBeShownAnywhere';
const PATH = '/lab/Model/resolve/main/model.bin';
const HALF = 1_000_000;
const kept = { ...process.env };
let folder: string;
let model: Buffer;
let other: Buffer;
let hub: HubServer;
/** Everything that a command or a log could show of an error. */
let told: string[];

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-hub-'));
  [model, other] = [1, 2].map((seed) => {
    const path = join(folder, `${seed}.bin`);
    const data = Float32Array.from({ length: 500_000 }, (_, index) => (index * seed) % 251);
    writePt(path, { tensors: { weight: { dtype: 'float32', shape: [data.length], data } } });
    return readFileSync(path);
  });
});
beforeEach(async () => {
  hub = await serveHub({ [PATH]: model });
  told = [];
  process.env = { ...kept, HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'no-token') };
  delete process.env.HF_TOKEN;
  delete process.env.HF_TOKEN_PATH;
  process.env.SAM_MIL_CACHE = mkdtempSync(join(folder, 'cache-'));
});
afterEach(async () => {
  const { SAM_MIL_CACHE: cache = '' } = process.env;
  process.env = { ...kept };
  const files = (readdirSync(cache, { recursive: true }) as string[]).map((name) => join(cache, name));
  const stored = files.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, 'latin1'));
  const texts = [...told, ...stored];
  for (const text of texts) {
    assert.ok(!text.includes(TOKEN), 'the token appears nowhere');
    assert.ok(!text.includes(SIGNATURE), 'a signed address appears nowhere');
  }
  const leaked = hub.requests.filter(
    ({ host, authorization }) => host === 'storage' && authorization !== undefined,
  );
  assert.deepEqual(leaked, [], 'the token is sent to the hub only');
  await hub.close();
});
after(() => rmSync(folder, { recursive: true }));

function entry(changes: Partial<UrlEntry> = {}): UrlEntry {
  return {
    name: 'lab-model',
    kind: 'encoder',
    from: 'url',
    ...hubFile({ name: 'lab/Model', revision: 'main' }, 'model.bin'),
    license: 'none',
    gated: true,
    source: 'a test',
    note: 'a test',
    ...changes,
  };
}

async function fetchIt(changes: Partial<UrlEntry> = {}, options: FetchOptions = {}) {
  try {
    return await fetchWeights(entry(changes), { pause: 0, ...options });
  } catch (error) {
    if (error instanceof SamMilError)
      told.push(error.message, error.stack ?? '', JSON.stringify(error.facts));
    throw error;
  }
}

/** What a fetch is refused with. */
async function refusal(changes: Partial<UrlEntry> = {}, options: FetchOptions = {}): Promise<SamMilError> {
  const error = await fetchIt(changes, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SamMilError, String(error));
  return error;
}

test('without a token, the error says where to create one and where to accept the terms', async () => {
  hub.token = TOKEN;
  const error = await refusal();
  assert.equal(error.code, 'Unavailable');
  assert.match(
    error.message,
    /lab\/Model requires a Hugging Face token; .*no token in HF_TOKEN.*settings\/tokens, set HF_TOKEN to it, accept the terms at https:\/\/huggingface\.co\/lab\/Model; then run `npx sam-mil models fetch lab-model`.*models import lab-model model\.bin/,
  );
  assert.equal(hub.requests.length, 1, 'a refusal is final');
});

test('a token that the hub does not know is reported by its origin only', async () => {
  hub.token = 'hf_another';
  process.env.HF_TOKEN = TOKEN;
  const error = await refusal();
  assert.match(error.message, /the server does not accept the token from HF_TOKEN/);
  assert.equal(hub.requests[0].authorization, `Bearer ${TOKEN}`, 'it was sent to the hub');
});

test('an account without access gets the page that grants it', async () => {
  hub.token = TOKEN;
  hub.granted = false;
  process.env.HF_TOKEN = TOKEN;
  const error = await refusal();
  assert.match(
    error.message,
    /https:\/\/huggingface\.co\/lab\/Model: the account of this token has no access to lab\/Model.*Next: open https:\/\/huggingface\.co\/lab\/Model /,
  );
});

for (const place of ['HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HOME', 'XDG_CACHE_HOME', 'HOME'] as const) {
  test(`a token from ${place} gets the file from the host that the hub redirects to`, async () => {
    hub.token = TOKEN;
    const home = mkdtempSync(join(folder, 'home-'));
    const write = (...parts: string[]): void => {
      mkdirSync(join(home, ...parts), { recursive: true });
      writeFileSync(join(home, ...parts, 'token'), `${TOKEN}\n`);
    };
    if (place === 'HF_TOKEN') process.env.HF_TOKEN = TOKEN;
    if (place === 'HF_TOKEN_PATH' || place === 'HF_HOME') write();
    if (place === 'HF_TOKEN_PATH') process.env.HF_TOKEN_PATH = join(home, 'token');
    if (place === 'HF_HOME') process.env.HF_HOME = home;
    if (place === 'XDG_CACHE_HOME' || place === 'HOME') delete process.env.HF_HOME;
    if (place === 'XDG_CACHE_HOME') {
      write('huggingface');
      process.env.XDG_CACHE_HOME = home;
    }
    if (place === 'HOME') {
      delete process.env.XDG_CACHE_HOME;
      write('.cache', 'huggingface');
      process.env.HOME = home;
    }
    await fetchIt();
    assert.deepEqual(readFileSync(findWeights(entry()).path), model);
    assert.deepEqual(
      hub.requests.map(({ host, authorization }) => [host, authorization]),
      [
        ['hub', `Bearer ${TOKEN}`],
        ['storage', undefined],
      ],
    );
    const record = readRecord('lab-model');
    assert.equal(record?.revision, COMMIT);
    assert.equal(record?.recorded, true, 'recorded, not pinned');
    assert.equal(record?.from, `${hub.endpoint}${PATH}`);
  });
}

test('a lost connection is resumed by range through a new redirect, an expired signature is renewed', async () => {
  hub.token = TOKEN;
  process.env.HF_TOKEN = TOKEN;
  hub.drops = [HALF];
  hub.refusals = [];
  await fetchIt(
    {},
    {
      progress: (done) =>
        done > 0 && hub.refusals.length === 0 && hub.requests.length === 2 && hub.refusals.push(403),
    },
  );
  assert.deepEqual(readFileSync(findWeights(entry()).path), model);
  const ranges = hub.requests.filter(({ host }) => host === 'storage').map(({ range }) => range);
  assert.equal(ranges.length, 3, 'cut, refused, and the rest');
  assert.match(ranges[2] ?? '', /^bytes=\d+-$/);
});

test('a file that changed on the hub between two attempts is downloaded from its start', async () => {
  hub.drops = [HALF];
  await fetchIt({}, { progress: () => void hub.files.set(PATH, other) });
  assert.deepEqual(readFileSync(findWeights(entry()).path), other);
});

test('a file whose digest is not the one that the hub states is refused and removed', async () => {
  hub.statedDigest = sha256(other);
  const error = await refusal();
  assert.match(
    error.message,
    new RegExp(`damaged on its way; expected sha256:${sha256(other)}.*found sha256:${sha256(model)}`),
  );
  assert.throws(() => findWeights(entry()), { code: 'WeightsMissing' });
});

test('a digest that one source states, or that was recorded, must be confirmed if the file has another', async () => {
  const stated = await refusal({ stated: sha256(other) });
  assert.match(
    stated.message,
    /may not be the published file.*one public source states for model\.bin; found sha256:.*--accept-digest/,
  );
  await fetchIt({ stated: sha256(other) }, { acceptDigest: sha256(model) });
  assert.equal(readRecord('lab-model')?.published, false);
  await fetchIt({ stated: sha256(model) });
  assert.equal(readRecord('lab-model')?.published, true);
  hub.files.set(PATH, other);
  const recorded = await refusal({}, { url: `${hub.endpoint}${PATH}` });
  assert.match(
    recorded.message,
    new RegExp(`expected sha256:${sha256(model)}, which was recorded at the first download`),
  );
});

test('confirming a digest that one source states does not make the file your own', async () => {
  await fetchIt({ stated: sha256(model) }, { acceptDigest: sha256(model) });
  const { published, recorded } = readRecord('lab-model') ?? {};
  assert.deepEqual([published, recorded], [true, true]);
  await assert.rejects(fetchIt({ stated: sha256(model) }, { acceptDigest: sha256(other) }), {
    message: /not the file whose digest was accepted/,
  });
});

test('a pinned digest is checked as for every other model', async () => {
  const error = await refusal({ sha256: sha256(other) });
  assert.match(error.message, /this is not a published file of lab-model/);
  await fetchIt({ sha256: sha256(model) });
  assert.equal(readRecord('lab-model')?.recorded, undefined);
});

test('a sharded checkpoint is fetched with all its parts, found, verified, and refused if a part changes', async () => {
  hub.token = TOKEN;
  process.env.HF_TOKEN = TOKEN;
  const file = 'model.safetensors.index.json';
  const parts = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const base = '/lab/Model/resolve/main/';
  const index = { metadata: {}, weight_map: { a: parts[0], b: parts[1] } };
  hub.files.set(base + file, Buffer.from(JSON.stringify(index)));
  hub.files.set(base + parts[0], safetensors('a', 1));
  hub.files.set(base + parts[1], safetensors('b', 2));
  hub.drops = [10, 20];
  const sharded = entry(hubFile({ name: 'lab/Model', revision: 'main' }, file));
  const prepared: string[] = [];
  await fetchWeights(sharded, { pause: 0, prepare: async ({ path }) => void prepared.push(path) });
  const found = findWeights(sharded);
  assert.deepEqual(readdirSync(found.folder).sort(), [...parts, file].sort());
  assert.equal(prepared.length, 1);
  assert.equal((await verifyWeights(sharded)).state, 'available');
  const last = join(found.folder, parts[1]);
  writeFileSync(last, safetensors('b', 3));
  assert.throws(() => findWeights(sharded), {
    code: 'InvalidInput',
    message: /changed after they were imported/,
  });
  rmSync(last);
  assert.throws(() => findWeights(sharded), { code: 'WeightsMissing' });
});

test('the token is not sent to a mirror, nor over http to another machine', async () => {
  process.env.HF_TOKEN = TOKEN;
  const mirror = await serveHub({ [PATH]: model });
  mirror.token = TOKEN;
  const error = await refusal({}, { url: `${mirror.endpoint}${PATH}` });
  assert.equal(mirror.requests[0].authorization, undefined);
  assert.match(error.message, /a token, which is sent only over https and only to the hub or HF_ENDPOINT/);
  await mirror.close();
  const { tokenFor } = await import('../../../../domain/machine/weights/hub-access.js');
  const environment = { HF_TOKEN: TOKEN, HF_ENDPOINT: 'http://mirror.lab' };
  assert.equal(tokenFor('http://mirror.lab/x', environment), undefined);
  assert.equal(
    tokenFor('https://mirror.lab/x', { ...environment, HF_ENDPOINT: 'https://mirror.lab/' })?.token,
    TOKEN,
  );
  assert.equal(tokenFor('https://huggingface.co/x', { HF_TOKEN: TOKEN })?.token, TOKEN);
  assert.equal(tokenFor('https://huggingface.co.evil.org/x', { HF_TOKEN: TOKEN }), undefined);
  assert.throws(() => tokenFor('https://huggingface.co/x', { HF_TOKEN: `${TOKEN}\nsecond line` }), {
    code: 'InvalidInput',
    message: /^(?!.*hf_This).*contains characters that no token has/s,
  });
});

/** One tensor of 4 floats as a safetensors file. */
function safetensors(name: string, value: number): Buffer {
  const header = Buffer.from(JSON.stringify({ [name]: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.from(new Float32Array(4).fill(value).buffer)]);
}
