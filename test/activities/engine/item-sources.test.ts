import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { itemsOfSource } from '../../../activities/engine/item-sources.js';
import type { ListItemsInput } from '../../../activities/engine/stage-messages.js';
import { MANIFEST, withVanished } from '../../../activities/engine/vanished-items.js';
import { executionFolder } from '../../../domain/engine/store/paths.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();

test('files and links of a folder are items, even a dangling link; folders are not', async () => {
  writeFileSync(join(folder, 'a b.svs'), 'x');
  writeFileSync(join(folder, 'note.txt'), 'x');
  mkdirSync(join(folder, 'c.svs'));
  symlinkSync(join(folder, 'a b.svs'), join(folder, 'd.svs'));
  symlinkSync(join(folder, 'gone.svs'), join(folder, 'e.svs'));
  symlinkSync(join(folder, 'c.svs'), join(folder, 'f.svs'));
  const names = async (kind: 'glob' | 'dir', value: string) =>
    (await itemsOfSource({ kind, value, as: 'item' }, value, folder, folder))
      .map(({ fields }) => fields.name)
      .sort();
  assert.deepEqual(await names('glob', '*.svs'), ['a b', 'd', 'e']);
  assert.deepEqual(await names('dir', '.'), ['a b', 'd', 'e', 'note']);
});

test('a pattern that ends with a slash lists folders as slides', async () => {
  mkdirSync(join(folder, 'series', 'case 1'), { recursive: true });
  mkdirSync(join(folder, 'series', 'case.2'));
  writeFileSync(join(folder, 'series', 'note.txt'), 'x');
  const items = await itemsOfSource({ kind: 'glob', value: '', as: 'item' }, 'series/*/', folder, folder);
  assert.deepEqual(
    items.map(({ fields }) => fields).sort((a, b) => ((a.path as string) < (b.path as string) ? -1 : 1)),
    ['case 1', 'case.2'].map((name) => ({ name, path: join(folder, 'series', name) })),
  );
});

test('an item that a run has listed remains an item when its file is gone', async () => {
  const input = { work: folder, run: 'r', stages: ['slides'], execution: 'second' } as ListItemsInput;
  const earlier = executionFolder(folder, 'r', 'slides', 'first');
  mkdirSync(earlier, { recursive: true });
  const [a, b] = ['a', 'b'].map((key) => ({ key, fields: { path: `/slides/${key}.svs` } }));
  assert.deepEqual(await withVanished([b], { ...input, run: 'another' }), [b]);
  writeFileSync(join(earlier, MANIFEST), `${JSON.stringify({ ...a, skip: 'x' })}\n${JSON.stringify(b)}\n`);
  assert.deepEqual(await withVanished([b], input), [a, b]);
});
