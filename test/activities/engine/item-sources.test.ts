import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** Keys, or reasons of excluded items, of a table of three slides, of which `c` has no file. */
async function listExcluding(rows: string, keyField?: string): Promise<Record<string, string>> {
  const own = mkdtempSync(join(folder, 'exclude-'));
  for (const name of ['slide_a', 'slide_b']) writeFileSync(join(own, `${name}.svs`), 'x');
  const slides = ['slide_a', 'slide_b', 'slide_c'].map((name) => `${name},${name}.svs\n`);
  writeFileSync(join(own, 'slides.csv'), `slide_id,path\n${slides.join('')}`);
  writeFileSync(join(own, 'excluded.csv'), rows);
  const source = { kind: 'csv', value: '', as: 'slide', ...(keyField && { keyField }) } as const;
  const items = await itemsOfSource(source, 'slides.csv', own, own, 'excluded.csv');
  return Object.fromEntries(
    items.map(({ fields, excluded }) => [fields.slide_id as string, excluded ?? 'listed']),
  );
}

test('an excluded item keeps its reason, and its file may be missing', async () => {
  const expected = { slide_a: 'listed', slide_b: 'listed', slide_c: 'out of focus, "blurred"' };
  const reason = '"out of focus, ""blurred"""';
  assert.deepEqual(await listExcluding(`slide_id,reason\nslide_c,${reason}\n`, 'slide_id'), expected);
  assert.deepEqual(await listExcluding(`reason,item\n${reason},slide_c\n`), expected);
  assert.deepEqual(await listExcluding(`slide,reason\nslide_c,${reason}\n`), expected);
});

test('a table of excluded items that does not fit the items is refused with the line and the near name', async () => {
  const refused = (rows: string, message: RegExp) =>
    assert.rejects(listExcluding(rows, 'slide_id'), { code: 'InvalidInput', message });
  await refused(
    'slide_id,reason\nslide_c,blur\nslide_aa,blur\n',
    /line 3: "slide_aa"; did you mean `slide_a`/,
  );
  await refused('slide_id,reason\nslide_c,\n', /excluded\.csv:2.*no reason for "slide_c"/);
  await refused('slide_id,reason\n,blur\n', /the row has no item/);
  await refused('slide_id,why\nslide_c,blur\n', /no column `reason`.*found slide_id, why/);
  await refused('name,reason\nslide_c,blur\n', /no column `slide_id`.*slide_id or item or slide/);
  await refused('slide_id,reason\nslide_c,blur\nslide_c,pen\n', /"slide_c" is excluded twice/);
  await refused('slide_id,reason\nslide_b,blur\n', /1 of 3 files are missing/);
});
