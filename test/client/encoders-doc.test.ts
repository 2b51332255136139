import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encoderTable } from '../support/encoder-table.js';
import { checkout } from '../support/fixtures.js';

test('the table of docs/encoders.md is that of the manifest', async () => {
  const lines = readFileSync(join(checkout, 'docs', 'encoders.md'), 'utf8').split('\n');
  const start = lines.findIndex((line) => /^\| encoder +\|/.test(line));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  const table = lines.slice(start, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  assert.match(table[1].join(''), /^[-:]+$/);
  assert.deepEqual([table[0], ...table.slice(2)], await encoderTable());
});
