import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nativeCacheFolder } from '../../domain/machine/cache-folder.js';
import { weightsEntry } from '../../domain/machine/weights/manifest.js';
import { BUNDLED_SLIDE } from '../support/bundled.js';
import { type CliOutcome, launchCli } from '../support/cli.js';
import { type HubServer, serveHub, SIGNATURE } from '../support/hub-server.js';
import { writeRandomVit } from '../support/random-vit.js';
import { scratchFolder } from '../support/scratch-folder.js';

const TOKEN = 'hf_ThisMustNeverBeShownAnywhere';
const MODEL = 'kaiko-vits16';
const folder = scratchFolder();
const cache = join(folder, 'cache');
const outcomes: CliOutcome[] = [];
let hub: HubServer;

/** The command line with a token, as a user of gated models has it. */
async function cli(...args: string[]): Promise<CliOutcome> {
  const environment = { SAM_MIL_CACHE: cache, HF_ENDPOINT: hub.endpoint, HF_TOKEN: TOKEN };
  const outcome = await launchCli(folder, args, { environment }).ended;
  outcomes.push(outcome);
  return outcome;
}

before(async () => {
  // Everything that was built before, except weights.
  mkdirSync(cache);
  for (const name of readdirSync(nativeCacheFolder()).filter((entry) => entry !== 'weights'))
    symlinkSync(join(nativeCacheFolder(), name), join(cache, name));
  const model = join(folder, 'vit-s16.safetensors');
  writeRandomVit(model);
  const { pathname } = new URL((weightsEntry(MODEL) as { url: string }).url);
  hub = await serveHub({ [pathname]: readFileSync(model) });
});
after(() => hub.close());

test('fetches that fail in every way, and one that succeeds after a lost connection', async () => {
  hub.token = 'hf_another';
  const unknown = await cli('models', 'fetch', MODEL);
  assert.match(unknown.stderr, /the server does not accept the token from HF_TOKEN/);
  hub.token = TOKEN;
  hub.granted = false;
  assert.match((await cli('models', 'fetch', MODEL)).stderr, /has no access to/);
  hub.granted = true;
  const gone = await cli('models', 'fetch', 'uni', 'lunit-vits8');
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /HTTP status 404/);
  hub.drops = [20_000_000];
  const fetched = await cli('models', 'fetch', MODEL);
  assert.equal(fetched.code, 0, fetched.stderr);
  assert.match(fetched.stdout, /ready {2}sha256:\w+\n {2}recorded, not pinned/);
});

test('a run whose worker has the token computes features, fails, and warns about its patches', async () => {
  const file = join(folder, 'study.yaml');
  writeFileSync(
    file,
    `
pipeline: 1
name: secrecy
defaults: { retry: { max-attempts: 1 } }
stages:
  features:
    foreach: { list: [{ name: one, slide: '${BUNDLED_SLIDE}' }], as: item }
    steps:
      - id: patch
        uses: pathology.patch
        with: { slide: '\${{ item.slide }}', patch-size: 768, mpp: 1 }
      - id: extract
        uses: pathology.extract
        with: { slide: '\${{ item.slide }}', patches: '\${{ steps.patch.outputs.patches }}', encoder: ${MODEL} }
  program:
    uses: pipeline.command
    with:
      command: [sh, -c, 'env; echo "token: \${HF_TOKEN:-none}"; exit 3']
`,
  );
  const plan = await cli('plan', file, '--work', join(folder, 'work'));
  assert.match(
    plan.stdout + plan.stderr,
    /kaiko-vits16 expects patches of 256 px at .*these are 768 px at 1 µm/,
  );
  const run = await cli('run', file, '--work', join(folder, 'work'));
  assert.equal(run.code, 1, 'the program failed');
  assert.match(run.stdout + run.stderr, /kaiko-vits16 expects patches/);
  const logs = await cli('logs', 'latest', '--failed');
  assert.match(logs.stdout + logs.stderr, /token: none/, 'the program does not get the token');
  const report = await cli('report', 'latest');
  assert.match(report.stdout + report.stderr, /report/);
  const stopped = await cli('server', '--stop');
  assert.equal(stopped.code, 0, stopped.stderr);
});

test('the token and the signed addresses are in none of the outputs, logs, records, receipts and histories', () => {
  const linked = (path: string) => path.startsWith(cache) && !path.startsWith(join(cache, 'weights'));
  const files = (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => join(folder, name))
    .filter((path) => !linked(path) && statSync(path, { throwIfNoEntry: false })?.isFile());
  const texts = new Map(files.map((path) => [path, readFileSync(path)]));
  outcomes.forEach(({ stdout, stderr }, i) => texts.set(`output ${i}`, Buffer.from(stdout + stderr)));
  const database = [...texts].filter(([path, text]) => /\.db/.test(path) && text.includes(MODEL));
  assert.ok(database.length > 0, 'the history, which names the encoder, was searched');
  for (const [where, text] of texts) {
    assert.ok(!text.includes(TOKEN), `${where} contains the token`);
    assert.ok(!text.includes(SIGNATURE), `${where} contains a signed address`);
  }
});
