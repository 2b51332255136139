import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkout } from '../../support/fixtures.js';

test('the plugins in docs are those of the examples, which a test installs and runs', () => {
  let found = 0;
  for (const page of ['add-an-activity.md', 'training.md']) {
    const text = readFileSync(join(checkout, 'docs', page), 'utf8');
    for (const [, path, code] of text.matchAll(/```js\n\/\/ (examples\/\S+)\n([^]*?)```/g)) {
      const source = readFileSync(join(checkout, path), 'utf8');
      assert.ok(source.startsWith(code.trimEnd()), `${page} and ${path}`);
      found += 1;
    }
  }
  assert.equal(found, 5);
});
