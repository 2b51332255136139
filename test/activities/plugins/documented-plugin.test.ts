import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import { checkout } from '../../support/fixtures.js';

test('the plugin of docs/training.md loads as it stands there: a model, and its option', async (context) => {
  const text = readFileSync(join(checkout, 'docs', 'training.md'), 'utf8');
  const [, code] = /```js\n(\/\/ lab\.js\n[^]*?)```/.exec(text)!;
  // Within the checkout, where the package knows itself by name.
  const folder = mkdtempSync(join(checkout, 'dist', 'documented-plugin-'));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'lab.js'), code);
  const registry = await loadRegistry([join(folder, 'lab.js')]);
  const train = registry.require('mil.train-fold');
  const { model, gain } = train.with as Record<string, { enum?: string[]; type?: string }>;
  assert.ok(model.enum?.includes('lab-mean'));
  assert.equal(gain.type, 'number');
});
