import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { itemsOfSource } from '../../activities/pipeline/item-sources.js';
import { scratchFolder } from '../support/scratch-folder.js';

const folder = scratchFolder();

test('files and links of a folder are items, also a link to nothing; folders are not', async () => {
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
