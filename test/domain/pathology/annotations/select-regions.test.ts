import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Region } from '../../../../domain/pathology/annotations/region.js';
import {
  describeSelection,
  selectRegions,
  type ClassFilter,
  type Purpose,
} from '../../../../domain/pathology/annotations/select-regions.js';

const region = (classes: string[], name = '', excluded = false): Region => ({
  name,
  excluded,
  rings: [],
  ...(classes.length > 0 && { group: classes.join(': '), classes }),
});
const select = (regions: readonly Region[], filter: ClassFilter = {}, purpose: Purpose = 'area') =>
  describeSelection(selectRegions(regions, filter, purpose));

test('a name in `classes` matches a class, each name of a derived class, a group around it, or an object', () => {
  const counts = (filter: string, ...regions: Region[]) =>
    select(regions, { classes: [filter] }).counted !== undefined;
  assert.ok(counts('tumor', region(['Tumor', 'Positive'])));
  assert.ok(counts('Positive', region(['Tumor', 'Positive'])));
  assert.ok(counts('Tumor: Positive', region(['Tumor', 'Positive', '3+'])));
  assert.ok(counts('Tumor:Positive', region(['Tumor: Positive'])), 'an ASAP group with a colon');
  assert.ok(!counts('Tumor: Negative', region(['Tumor', 'Positive'])));
  assert.ok(!counts('Tum', region(['Tumor'])), 'not a part of a name');
  assert.ok(counts('Region', region(['Region*'])));
  assert.ok(counts('region*', region(['Region'])));
  assert.ok(counts('Outer', region(['Inner', 'Outer'])));
  assert.ok(counts('Core 3', region(['Tissue'], 'core 3')));
  assert.ok(counts('Fu\u0308r A', region(['f\u00fcr a'])), 'either form of accents');
  assert.ok(!counts('without class', region([])));
});

test('exclusions by name are cut out unless `classes` lists the name or `exclude-classes` is set', () => {
  const regions = [
    region(['Tissue']),
    region(['Ignore*']),
    region(['Exclusion', 'folds']),
    region(['normal']),
  ];
  assert.deepEqual(select(regions), {
    counted: { Tissue: 1, normal: 1 },
    'cut-out': { 'Ignore*': 1, 'Exclusion: folds': 1 },
  });
  assert.deepEqual(select(regions, {}, 'lesion')['cut-out'], {
    'Ignore*': 1,
    'Exclusion: folds': 1,
    normal: 1,
  });
  assert.deepEqual(select(regions, { classes: ['Ignore*'] }), {
    counted: { 'Ignore*': 1 },
    'cut-out': { 'Exclusion: folds': 1 },
    'left-out': { Tissue: 1, normal: 1 },
  });
  assert.deepEqual(select(regions, { excludeClasses: ['tissue'] }), {
    counted: { 'Ignore*': 1, 'Exclusion: folds': 1, normal: 1 },
    'cut-out': { Tissue: 1 },
  });
  assert.equal(select(regions, { excludeClasses: [] })['cut-out'], undefined);
  const marked = [region(['Tissue'], '', true)];
  assert.deepEqual(select(marked, { classes: ['Tissue'], excludeClasses: [] }), { 'cut-out': { Tissue: 1 } });
  const derived = [region(['Tumor', 'Ignore*'])];
  assert.deepEqual(select(derived, { classes: ['Tumor'] }), { 'cut-out': { 'Tumor: Ignore*': 1 } });
});

test('tissue, stroma and marked regions are no lesion, also alone', () => {
  for (const name of ['Stroma', 'Tissue', 'Region*', 'Necrosis', 'Immune cells', 'Other', 'ROI']) {
    assert.deepEqual(select([region([name])], {}, 'lesion'), { 'left-out': { [name]: 1 } });
    assert.deepEqual(select([region([name])], { classes: [name] }, 'lesion'), { counted: { [name]: 1 } });
  }
  assert.deepEqual(select([region(['Stroma']), region([])], {}, 'lesion').counted, { 'without class': 1 });
});
