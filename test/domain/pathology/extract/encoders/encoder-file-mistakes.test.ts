import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { EncoderDefinition } from '../../../../../domain/pathology/extract/encoders/encoder.js';
import { findEncoder } from '../../../../../domain/pathology/extract/encoders/encoders.js';
import { unexpectedPatches } from '../../../../../domain/pathology/extract/expected-patches.js';
import { fixture } from '../../../../support/fixtures.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

function describedBy(context: TestContext, keys: object): Promise<EncoderDefinition> {
  const path = join(temporaryFolder(context), 'ours.json');
  const weights = fixture('vit/odd/good.safetensors');
  writeFileSync(path, JSON.stringify({ name: 'ours', architecture: 'vit', weights, ...keys }));
  return findEncoder(path);
}

test('heads that do not divide the width are corrected in the encoder file, not in the checkpoint', async (context) => {
  const encoder = await describedBy(context, { heads: 3 });
  await assert.rejects(encoder.open({ device: 'cpu', threads: 1 }), {
    message: /cannot be split into attention heads.*divide the width 8; found 3; Next: correct `heads`/,
  });
});

test('names of other libraries and missing files are answered with what to write instead', async (context) => {
  for (const key of ['num-heads', 'num_heads', 'num_attention_heads'])
    await assert.rejects(describedBy(context, { [key]: 2 }), { message: /did you mean `heads`\?/ });
  const missing = describedBy(context, { config: 'missing.json' });
  await assert.rejects(missing, { message: /missing\.json.*correct `config` of the encoder file/ });
});

test('a misspelt name of an encoder is answered with the right one', async () => {
  await assert.rejects(findEncoder('uni-2h'), { message: /did you mean `uni2-h`\?/ });
  await assert.rejects(findEncoder('no-such-thing'), (error: Error) => !/did you mean/.test(error.message));
});

test('an encoder file states the patches that it is meant for', async (context) => {
  const { info } = await describedBy(context, { 'patch-size': 256, mpp: 0.5 });
  assert.match(
    unexpectedPatches(info, { side: 256, mpp: 1 }) ?? '',
    /^ours expects patches of 256 px at 0\.5 µm/,
  );
  const several = await describedBy(context, { 'patch-size': 256, mpp: [0.5, 1] });
  assert.equal(unexpectedPatches(several.info, { side: 256, mpp: 1 }), undefined);
  await assert.rejects(describedBy(context, { 'patch-size': 256 }), {
    message: /incomplete; expected `patch-size` and `mpp`, or neither; found only `patch-size`/,
  });
  await assert.rejects(describedBy(context, { mpp: 0 }), { message: /mpp/ });
});
