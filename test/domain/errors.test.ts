import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorLines, errorText, findingText, SamMilError } from '../../domain/errors.js';

const error = new SamMilError('InvalidInput', 'has no column `slide`', {
  file: 'labels.csv:1',
  expected: 'slide, label',
  found: 'name\nlabel',
  next: 'rename it',
});

test('an error is one line or a block of lines, of the same parts in the same order', () => {
  const text =
    'labels.csv:1: has no column `slide`; expected slide, label; found name\nlabel; Next: rename it';
  assert.equal(errorText(error), text);
  assert.equal(error.message, text);
  assert.equal(findingText(error), text.replace('; Next: rename it', ''));
  assert.deepEqual(errorLines(error), [
    'labels.csv:1: has no column `slide`',
    '  expected slide, label',
    '  found    name',
    '           label',
    '  next     rename it',
  ]);
});

test('an error that passes a place gets its name, and keeps code and facts', () => {
  const placed = error.at('epoch 3');
  assert.deepEqual([placed.code, placed.facts, placed.cause], [error.code, error.facts, error]);
  assert.match(placed.message, /^labels\.csv:1: epoch 3: has no column `slide`; expected/);
});
