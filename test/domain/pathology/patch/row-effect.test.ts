import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { definition } from '../../../../activities/pathology/patch.js';
import { resolveWith } from '../../../../activities/step/resolve-with.js';
import type { JsonObject } from '../../../../domain/json.js';
import { formatCsv } from '../../../../domain/files/csv.js';
import { presetParameters } from '../../../../domain/pathology/patch/tissue/parameters.js';
import {
  findProcessRow,
  PROCESS_LIST_COLUMNS,
  processRowCells,
  unreadColumns,
} from '../../../../domain/pathology/patch/process-list.js';
import { expectError } from '../../../support/expect-error.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

test('the key includes only what a process list changes for the slide', async (context) => {
  const list = join(temporaryFolder(context), 'process_list_autogen.csv');
  const input = (path: string) => ({ path, name: path, digest: `sha256:${Math.random()}` });
  const keyOf = async (rows: Record<string, string>[], given: JsonObject = {}) => {
    writeFileSync(list, formatCsv(PROCESS_LIST_COLUMNS, rows));
    const parameters = { slide: '/data/a.svs', preset: 'tcga', 'process-list': list, ...given };
    return definition.hiddenInputs?.(parameters, {
      slide: input('/data/a.svs'),
      'process-list': input(list),
    });
  };
  const tcga = presetParameters('tcga');
  const own = (slide: string, more: Record<string, string> = {}) => ({
    ...processRowCells(slide, 'processed', tcga),
    ...more,
  });
  assert.deepEqual(await keyOf([own('a.svs'), own('b.svs')]), {}, 'the list that a run wrote, unchanged');
  assert.deepEqual(await keyOf([own('a.svs'), own('b.svs', { sthresh: '20' })]), {}, "another slide's row");
  assert.deepEqual(await keyOf([own('a.svs', { sthresh: '20', process: '1' })]), {
    'process-list': { leftOut: false, parameters: { sthresh: 20 } },
  });
  assert.deepEqual(
    await keyOf([own('a.svs', { sthresh: '20' })], { sthresh: 20 }),
    {},
    'told by the pipeline too',
  );
  assert.deepEqual(await keyOf([own('a.svs', { status: 'tbp' })]), {
    'process-list': { leftOut: true, parameters: {} },
  });
  const unreadable = await keyOf([own('a.svs', { sthresh: 'much' })]);
  assert.match(JSON.stringify(unreadable), /sha256/);
  const { inputs } = resolveWith(definition, { slide: '/data/a.svs', 'process-list': list });
  assert.deepEqual(
    inputs.map(({ place, inKey }) => [place[0], inKey]),
    [
      ['slide', true],
      ['process-list', false],
    ],
  );
});

test('finds the row of a slide among rows with similar names', (context) => {
  const list = join(temporaryFolder(context), 'list.csv');
  writeFileSync(list, 'slide_id\na.tiff\na.svs\nb\nb.tiff\nP01.1\nTCGA-DX1.3B34C1.svs\n');
  const found = (slide: string) => findProcessRow(list, `/data/${slide}`)?.slideId;
  assert.deepEqual(['a.svs', 'a.tiff', 'a.ndpi'].map(found), ['a.svs', 'a.tiff', 'a.tiff']);
  assert.deepEqual(['b.svs', 'P01.1.svs', 'P01.1', 'TCGA-DX1.3B34C1.svs'].map(found), [
    'b',
    'P01.1',
    'P01.1',
    'TCGA-DX1.3B34C1.svs',
  ]);
  assert.deepEqual(['P01.svs', 'TCGA-DX1.svs', 'c.svs'].map(found), [undefined, undefined, undefined]);
});

test('`process` must be 0 or 1, also as pandas writes them; values such as "no" or 2 are refused', (context) => {
  const list = join(temporaryFolder(context), 'list.csv');
  const processOf = (cell: string) => {
    writeFileSync(list, `slide_id,process\na.svs,${cell}\n`);
    return findProcessRow(list, 'a.svs')?.process;
  };
  assert.deepEqual(['0', '0.0', '1', '1.0', ''].map(processOf), [0, 0, 1, 1, 1]);
  for (const cell of ['no', '2', 'FALSE'])
    expectError('InvalidInput', [`${list}:2 (process)`, cell], () => processOf(cell));
});

test('finds a slide by a path and in either form of accents', (context) => {
  const list = join(temporaryFolder(context), 'list.csv');
  const row = (id: string, slide: string) => {
    writeFileSync(list, `slide_id,Process,status\n${id},0,tbp\n`);
    return findProcessRow(list, slide)?.process;
  };
  assert.equal(row('/data/slides/s4.tif', '/here/s4.tif'), 0);
  assert.equal(row('C:\\slides\\s4.tif', '/here/s4.tif'), 0);
  assert.equal(row('Pra\u0308_Mu\u0308ller.tif', 'Pr\u00e4_M\u00fcller.tif'), 0);
  assert.equal(row('Pr\u00e4_M\u00fcller', 'Pra\u0308_Mu\u0308ller.tif'), 0);
  assert.equal(row('other.tif', 's3.tif'), undefined);
});

test('refuses a list whose names or columns nobody reads as they were meant', (context) => {
  const list = join(temporaryFolder(context), 'list.csv');
  const refused = (text: string, slide: string, words: string[]) => {
    writeFileSync(list, text);
    expectError('InvalidInput', ['list.csv', ...words], () => findProcessRow(list, slide));
  };
  refused('slide_id,process\n123.tif,0\n', '/data/00123.tif', ['similar', '00123.tif', '123.tif']);
  refused('slide_id,process\ns5.tif,0\n', '/data/S5.tif', ['similar', 'S5.tif', 's5.tif']);
  refused('slide_id,process,sthres\na.tif,1,99\n', 'a.tif', ['sthres', 'rename it to sthresh']);
  refused('slide_id,proces\na.tif,0\n', 'a.tif', ['rename it to process']);
  refused('slide_id;process;a_t\na.tif;0;0,05\n', 'a.tif', ['separated by semicolons']);
  writeFileSync(list, 'slide_id,process,scanned by\na.tif,1,Ann\n');
  assert.equal(findProcessRow(list, 'a.tif')?.process, 1);
  assert.deepEqual(unreadColumns(list), ['scanned by']);
});
