import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { digestOf, digestOfFile, digestOfJson } from '../../../../domain/digest.js';
import type { JsonObject } from '../../../../domain/json.js';
import { DigestCache } from '../../../../domain/engine/store/digest-cache.js';
import { readReferencedText, requireContent } from '../../../../domain/engine/store/damaged-output.js';
import { keyIndexPath, receiptPath } from '../../../../domain/engine/store/paths.js';
import { findReceipt, inspectReceipt, readReceipt } from '../../../../domain/engine/store/receipts.js';
import { StubSteps } from '../../../support/stub-step.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const PLACE = { stage: 'stage', item: 'item', step: 'step' };

/** A work folder with one finished step, and the path of its receipt. */
async function finished(context: TestContext) {
  const work = temporaryFolder(context);
  const { receipt } = await (await StubSteps.open(work)).run('stub.light');
  return { work, key: receipt.key, path: receiptPath(work, PLACE) };
}

test('an edited receipt counts as none, whatever was edited', async (context) => {
  const { work, key, path } = await finished(context);
  const intact = readFileSync(path, 'utf8');
  assert.equal((await readReceipt(work, PLACE))?.key, key);
  const edits: Record<string, (receipt: JsonObject) => unknown> = {
    'a value': ({ outputs }) => ((outputs as JsonObject).length = 17),
    'no files': (receipt) => (receipt.files = {}),
    'null instead of a file': (receipt) => (receipt.files = { 'stage/item.txt': null }),
    'files as a list': (receipt) => (receipt.files = [1, 2]),
    'no ingredients': (receipt) => delete receipt.ingredients,
    'no outputs': (receipt) => (receipt.outputs = null),
    'another version': (receipt) => (receipt.receipt = 0),
    'no digest of itself': (receipt) => delete receipt.self,
  };
  for (const [name, edit] of Object.entries(edits)) {
    const receipt = JSON.parse(intact) as JsonObject;
    edit(receipt);
    writeFileSync(path, JSON.stringify(receipt));
    assert.equal((await inspectReceipt(work, PLACE)).state, 'damaged', name);
    assert.equal(await readReceipt(work, PLACE), undefined, name);
    assert.equal(await findReceipt(work, key, digestOfFile), undefined, name);
  }
});

test('a receipt with a matching digest still cannot name files outside the work folder', async (context) => {
  const { work, path } = await finished(context);
  for (const outside of ['../../etc/passwd', '/etc/passwd', 'stage/../../x']) {
    const { self, ...receipt } = JSON.parse(readFileSync(path, 'utf8')) as JsonObject;
    assert.equal(typeof self, 'string');
    receipt.files = { [outside]: Object.values(receipt.files as JsonObject)[0] };
    writeFileSync(path, JSON.stringify({ ...receipt, self: digestOfJson(receipt) }));
    assert.equal((await inspectReceipt(work, PLACE)).state, 'damaged', outside);
  }
});

test('a damaged key index finds nothing, and leads nowhere else', async (context) => {
  const { work, key } = await finished(context);
  const path = keyIndexPath(work, key);
  assert.equal((await findReceipt(work, key, digestOfFile))?.key, key);
  const traversal = { stage: '..', item: '..', step: '..' };
  for (const text of [
    '',
    'null',
    '{}',
    '5',
    JSON.stringify(PLACE),
    JSON.stringify({ ...traversal, self: digestOfJson(traversal) }),
  ]) {
    writeFileSync(path, text);
    assert.equal(await findReceipt(work, key, digestOfFile), undefined, text);
  }
  rmSync(path);
  mkdirSync(path);
  assert.equal(await findReceipt(work, key, digestOfFile), undefined);
});

test('a damaged stored digest is not believed', async (context) => {
  const work = temporaryFolder(context);
  const file = join(work, 'slide.svs');
  writeFileSync(file, 'one');
  await sleep(150);
  const digest = await new DigestCache(work).digest(file);
  const hex = digestOf(file).slice('sha256:'.length);
  const entry = join(work, '.receipts', '.digests', hex.slice(0, 2), `${hex}.json`);
  const text = readFileSync(entry, 'utf8');
  assert.equal(await new DigestCache(work).known(file), digest);
  const other = digestOf('two');
  for (const damaged of [text.replace(digest, other), '{"stamp":null,"digest":5}', 'null', '']) {
    writeFileSync(entry, damaged);
    assert.equal(await new DigestCache(work).known(file), undefined);
    assert.equal(await new DigestCache(work).digest(file), digest);
  }
  rmSync(dirname(entry), { recursive: true });
});

test('content that is required is refused when it was changed or deleted', (context) => {
  const path = join(temporaryFolder(context), 'bag.h5');
  writeFileSync(path, 'one');
  requireContent(path, digestOf('one'));
  writeFileSync(path, 'two');
  assert.throws(() => requireContent(path, digestOf('one')), {
    code: 'OutputDamaged',
    message: /was changed/,
  });
  rmSync(path);
  assert.throws(() => requireContent(path, digestOf('one')), {
    code: 'OutputDamaged',
    message: /was deleted/,
  });
});

test('a referenced list is read only as its reference states, and only from the work folder', async (context) => {
  const work = temporaryFolder(context);
  const path = join(work, 'list.jsonl');
  const text = '{"key":"a"}\n';
  const ref = { path: 'list.jsonl', digest: digestOf(text), bytes: text.length };
  await assert.rejects(readReferencedText(work, ref), { code: 'OutputDamaged', message: /deleted/ });
  writeFileSync(path, text);
  assert.equal(await readReferencedText(work, ref), text);
  writeFileSync(path, '');
  await assert.rejects(readReferencedText(work, ref), { code: 'OutputDamaged', message: /changed/ });
  const outside = join(temporaryFolder(context), 'list.jsonl');
  writeFileSync(outside, text);
  rmSync(path);
  symlinkSync(outside, path);
  await assert.rejects(readReferencedText(work, ref), { code: 'InvalidInput', message: /symbolic link/ });
});
