import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findDamage } from '../../../activities/engine/check-outputs.js';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import { EngineContext } from '../../../activities/step/engine-context.js';
import { digestOf } from '../../../domain/digest.js';
import { readReferencedText } from '../../../domain/engine/store/damaged-output.js';
import { forecastItems } from '../../../domain/engine/store/items-digest.js';
import { PLAN } from '../../../domain/engine/language/plan/plan-record.js';
import { diskAway } from '../../../domain/files/disk-away.js';
import { planOf, STUB_PLUGIN } from '../../support/engine.js';
import { leaseFor } from '../../support/lease.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const EIO = { code: 'Unavailable', message: /mem: the disk does not answer \(EIO\)/ };

test(
  'a read error (EIO) is no damage of a list of items',
  {
    // Reading this file from its start fails with EIO.
    skip: process.platform !== 'linux',
  },
  async () => {
    const reference = { path: 'mem', digest: digestOf(''), bytes: 0 };
    await assert.rejects(readReferencedText('/proc/self', reference), EIO);
  },
);

test('the check of outputs ends as Unavailable if their disk does not answer', async (context) => {
  const work = temporaryFolder(context);
  const write = (name: string, text: string) => {
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, name), text);
    return { path: name, digest: digestOf(text), bytes: Buffer.byteLength(text) };
  };
  const plan = write(
    'plan.json',
    PLAN.text(planOf(work, [{ name: 'make', steps: [{ uses: 'stub.write' }] }])),
  );
  const outputs = { file: write('a.txt', 'a') };
  const items = forecastItems('make', [{ key: 'a', status: 'done', fields: {}, outputs }]);
  const receipts = write('receipts.jsonl', '{"key":"a","steps":[]}\n');
  const engine = new EngineContext(await loadRegistry([STUB_PLUGIN]));
  context.after(() => engine.close());
  const input = {
    ...{ run: 'r', work, lease: await leaseFor(work, 'r') },
    plan: { path: join(work, plan.path), digest: plan.digest },
    stages: [{ stage: 'make', items, receipts }],
  };
  const { signal } = new AbortController();
  assert.deepEqual(await findDamage(engine, input, signal), []);
  const eio = Object.assign(new Error('i/o error'), { code: 'EIO' });
  const away = diskAway(eio, join(work, 'a.txt'));
  assert.ok(away);
  const digest = context.mock.method(engine.digests(work), 'digest', () => Promise.reject(away));
  await assert.rejects(findDamage(engine, input, signal), { code: 'Unavailable' });
  digest.mock.restore();
  writeFileSync(join(work, 'a.txt'), 'b');
  assert.equal((await findDamage(engine, input, signal))[0]?.files[0], 'a.txt');
});
