import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { itemsOfSource } from '../../../activities/engine/item-sources.js';
import { listLines } from '../../../activities/engine/list-items.js';
import type { ListItemsInput } from '../../../activities/engine/stage-messages.js';
import { MANIFEST, withVanished } from '../../../activities/engine/vanished-items.js';
import { loadPipeline } from '../../../domain/engine/language/load-pipeline.js';
import type { Plan, StagePlan } from '../../../domain/engine/language/plan/plan.js';
import { executionFolder } from '../../../domain/engine/store/paths.js';
import { hasCode } from '../../domain/mil/support.js';
import { scratchFolder } from '../../support/scratch-folder.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { TEST_CATALOG } from '../../support/test-catalog.js';

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

/** Lists the items of a pipeline with one stage, as a run does. */
async function listed(base: string, source: string, params = '', set: [string, string][] = []) {
  const text = `pipeline: 1\nname: p\n${params}stages:\n  a:\n    foreach: ${source}\n    uses: pathology.patch\n    with: { slide: '\${{ item.path }}' }\n`;
  const { plan, problems } = loadPipeline(text, {
    file: join(base, 'p.yaml'),
    catalog: TEST_CATALOG,
    cwd: base,
    set,
  });
  assert.ok(plan, JSON.stringify(problems));
  const lines = await listLines(plan, plan.stages[0], {}, join(base, 'work'));
  return lines.map(({ fields }) => fields);
}

const PARAMS = "params: { folder: { type: path }, pattern: { type: string, default: '*.{svs,tif,ndpi}' } }\n";
const NAMED = "{ glob: '${{ params.folder }}/${{ params.pattern }}' }";

test('the text of a path param is literal in a pattern', async (context) => {
  const base = temporaryFolder(context);
  const folders = [
    'Study [A-C]',
    'Study B',
    'slides (2)',
    'slides 2',
    '@(v2)',
    'v2',
    'brace{1,2}',
    'brace1',
    '!x',
    'a*',
    'ab',
  ];
  for (const folder of folders) {
    mkdirSync(join(base, folder));
    writeFileSync(join(base, folder, `of ${folder.replace('/', '')}.svs`), 'x');
  }
  for (const folder of folders) {
    const path = join(base, folder, `of ${folder}.svs`);
    for (const source of [NAMED, '{ glob: "${{ format(\'{0}/{1}\', params.folder, params.pattern) }}" }']) {
      const found = await listed(base, source, PARAMS, [['folder', folder]]);
      assert.deepEqual(
        found.map((fields) => fields.path),
        [path],
        folder,
      );
    }
  }
});

test('an output of an earlier stage is literal in a pattern', async (context) => {
  const base = temporaryFolder(context);
  for (const name of ['out [1]', 'out 1']) {
    mkdirSync(join(base, name));
    writeFileSync(join(base, name, 'a.h5'), 'x');
  }
  const source = { kind: 'glob', value: '${{ needs.first.outputs.folder }}/*.h5', as: 'item' } as const;
  const stage = { name: 'a', needs: ['first'], source } as unknown as StagePlan;
  const needs = { first: { result: 'success', outputs: { folder: join(base, 'out [1]') } } };
  const lines = await listLines({ base } as Plan, stage, needs, join(base, 'work'));
  assert.deepEqual(
    lines.map(({ fields }) => fields.path),
    [join(base, 'out [1]', 'a.h5')],
  );
});

test('extensions match in either case, in the patterns of every shipped pipeline', async (context) => {
  const base = temporaryFolder(context);
  for (const name of ['a.svs', 'b.SVS', 'c.TIF', 'd.Tif', 'e.NDPI', 'f.txt'])
    writeFileSync(join(base, name), 'x');
  const found = await listed(base, NAMED, PARAMS, [['folder', '.']]);
  assert.deepEqual(
    found.map(({ name }) => name),
    ['a', 'b', 'c', 'd', 'e'],
  );
  // A name without a wildcard is that name only.
  writeFileSync(join(base, 'A.svs'), 'x');
  assert.deepEqual(
    (await listed(base, '{ glob: a.svs }')).map(({ name }) => name),
    ['a'],
  );
});

test('a missing file in a column of paths is refused by name, and the others stay beside the table', async (context) => {
  const base = temporaryFolder(context);
  for (const folder of ['table', 'table/bags', 'bags']) mkdirSync(join(base, folder));
  for (const name of ['table/bags/a.h5', 'table/bags/b.h5', 'bags/a.h5', 'bags/b.h5', 'bags/c.h5']) {
    writeFileSync(join(base, name), name);
  }
  const table = join(base, 'table/bags.csv');
  const source = '{ csv: table/bags.csv, key: id }';
  writeFileSync(table, 'id,features,note\na,bags/a.h5,1.5\nb,bags/b.h5,a.b\nc,,\n');
  const beside = (await listed(base, source)).map(({ features, note }) => [features, note]);
  assert.deepEqual(beside, [
    [join(base, 'table/bags/a.h5'), '1.5'],
    [join(base, 'table/bags/b.h5'), 'a.b'],
    ['', ''],
  ]);
  writeFileSync(table, 'id,features\na,bags/a.h5\nb,bags/b.h5\nc,bags/c.h5\n');
  await assert.rejects(
    listed(base, source),
    hasCode('InvalidInput', /1 of 3 files are missing.*bags\.csv:4: .*table\/bags\/c\.h5/),
  );
  writeFileSync(table, 'id,features\nc,bags/c.h5\n');
  await assert.rejects(
    listed(base, source),
    hasCode('InvalidInput', /"features" names files beside the pipeline, not beside the table/),
  );
  writeFileSync(table, `id,features\nc,${join(base, 'bags/c.h5')}\n`);
  assert.equal((await listed(base, source))[0].features, join(base, 'bags/c.h5'));
});

test('the key and columns of names are text, even if files beside the table have these names', async (context) => {
  const base = temporaryFolder(context);
  for (const name of ['a.tif', 'b.tif']) writeFileSync(join(base, name), 'x');
  writeFileSync(join(base, 't.csv'), 'slide_id,path,image\na.tif,a.tif,a.tif\nb.tif,b.tif,b.tif\n');
  for (const source of ['{ csv: t.csv, key: slide_id }', '{ csv: t.csv, key: image }', '{ csv: t.csv }']) {
    const [first] = await listed(base, source);
    assert.equal(first.slide_id, 'a.tif', source);
    assert.equal(first.path, join(base, 'a.tif'));
    assert.equal(first.image, source.includes('image') ? 'a.tif' : join(base, 'a.tif'));
  }
});
