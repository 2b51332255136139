import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { longestFirst } from '../support/test-order.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('tests that start processes run first, so that none of them is left alone at the end', (context) => {
  const folder = temporaryFolder(context);
  const write = (name: string, imported: string) => {
    const path = join(folder, name);
    writeFileSync(path, `import { x } from '../../${imported}.js';\n`);
    return path;
  };
  const unit = write('a.test.js', 'domain/errors');
  const other = write('b.test.js', 'support/temporary-folder');
  const runs = write('y.test.js', 'support/engine');
  const commands = write('x.test.js', 'support/command-line');
  assert.deepEqual(longestFirst([other, runs, unit, commands]), [commands, runs, unit, other]);
});
