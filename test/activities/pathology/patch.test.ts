import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { definition } from '../../../activities/pathology/patch.js';
import type { FinishedItem } from '../../../activities/define/define-activity.js';
import { readCsv } from '../../../domain/files/csv.js';
import { PARAMETER_COLUMNS, PRESETS } from '../../../domain/pathology/patch/tissue/parameters.js';
import { processRowCells } from '../../../domain/pathology/patch/process-list.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a pipeline can set every parameter of a preset and name every preset', () => {
  for (const [column] of PARAMETER_COLUMNS) {
    assert.ok(definition.with[column.replaceAll('_', '-')], column);
  }
  assert.deepEqual(definition.with.preset.anyOf?.[0].enum, Object.keys(PRESETS));
  for (const [name, schema] of Object.entries(definition.with)) assert.ok(schema.description, name);
});

test("the stage's process list tells how each slide ended, in CLAM's columns", async (context) => {
  const folder = temporaryFolder(context);
  const row = (slide: string, status: string) => processRowCells(slide, status, PRESETS.tcga);
  const item = (key: string, more: Partial<FinishedItem>): FinishedItem => ({
    key,
    fields: { path: `/data/${key}.svs` },
    status: 'done',
    outputs: {},
    step: { with: { slide: `/data/${key}.svs`, preset: 'tcga' }, outputs: {} },
    ...more,
  });
  const items = [
    item('a', { step: { with: {}, outputs: { parameters: row('/data/a.svs', 'processed') } } }),
    item('b', {
      status: 'skipped',
      reason: 'no_tissue',
      step: { with: {}, outputs: { parameters: row('/data/b.svs', 'no_tissue') } },
    }),
    item('c', { status: 'failed', reason: 'CorruptSlide: /data/c.svs: cut off,\nat byte 7' }),
    item('d', { status: 'skipped', step: { with: {}, outputs: {} } }),
  ];
  const finish = async () => {
    await definition.finishStage!({
      folder,
      items: (async function* () {
        yield* items;
      })(),
    });
    return readFileSync(join(folder, 'process_list_autogen.csv'), 'utf8');
  };
  const text = await finish();
  assert.equal(await finish(), text);
  const { columns, rows } = readCsv(join(folder, 'process_list_autogen.csv'), { header: true });
  assert.equal(
    columns.join(','),
    'slide_id,process,status,seg_level,sthresh,mthresh,close,use_otsu,keep_ids,exclude_ids,a_t,a_h,max_n_holes,vis_level,line_thickness,use_padding,contour_fn',
  );
  assert.deepEqual(
    rows.map(({ values }) => [values.slide_id, values.process, values.status, values.a_t]),
    [
      ['a.svs', '0', 'processed', '16'],
      ['b.svs', '0', 'no_tissue', '16'],
      ['c.svs', '1', 'failed:CorruptSlide: /data/c.svs: cut off, at byte 7', '16'],
      ['d.svs', '1', 'tbp', ''],
    ],
  );
});
