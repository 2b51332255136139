import assert from 'node:assert/strict';
import { chmodSync, cpSync, openSync, writeSync, closeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { ensureTemporalServer, locateTemporalServer } from '../../../client/server/temporal-server.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { setVariables } from '../../support/variables.js';

async function refusal(): Promise<string> {
  const found = await locateTemporalServer();
  return typeof found === 'string' ? found : `${found.path} is used`;
}

test('a cached server is not used if it was changed, or if others may change it', async (context) => {
  const { path } = await ensureTemporalServer();
  const cache = temporaryFolder(context);
  const copy = join(cache, 'temporal', basename(dirname(path)));
  cpSync(dirname(path), copy, { recursive: true, preserveTimestamps: true });
  chmodSync(copy, 0o700);
  setVariables(context, { SAM_MIL_CACHE: cache });
  const found = await locateTemporalServer();
  assert.ok(typeof found !== 'string');
  assert.equal(found.path, join(copy, basename(path)));

  chmodSync(copy, 0o777);
  assert.match(await refusal(), /can be written by other accounts/);
  chmodSync(copy, 0o700);

  const file = openSync(join(copy, basename(path)), 'r+');
  writeSync(file, Buffer.from([0]), 0, 1, 4096);
  writeSync(file, Buffer.from([1]), 0, 1, 4097);
  closeSync(file);
  assert.match(await refusal(), /has sha256:[0-9a-f]{64}, expected sha256:[0-9a-f]{64}/);
});
