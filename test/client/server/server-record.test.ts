import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCrashed, isEmbedded, locateEmbeddedServer } from '../../../client/server/embedded-server.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { setVariables } from '../../support/variables.js';

test('a damaged record of the embedded server counts as none', async (context) => {
  const folder = temporaryFolder(context);
  setVariables(context, { SAM_MIL_STATE: folder });
  const address = '127.0.0.1:1';
  for (const text of [
    '',
    'null',
    '{}',
    '[]',
    JSON.stringify({ address, pid: '1', database: '', version: '' }),
  ]) {
    writeFileSync(join(folder, 'server.json'), text);
    assert.equal(await locateEmbeddedServer(), undefined, text);
    assert.deepEqual([hasCrashed(), isEmbedded(address)], [false, false], text);
  }
});
