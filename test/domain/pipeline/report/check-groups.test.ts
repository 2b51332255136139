import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readItems } from '../../../../domain/engine/store/items.js';
import type { JsonObject } from '../../../../domain/json.js';
import { readReport } from '../../../../domain/pipeline/report/report.js';
import type { ReportWith } from '../../../../domain/pipeline/report/parameters.js';
import { hasCode, inputFile, makeJob } from '../../mil/support.js';
import { MODELS, writeEvaluations, writeRecords } from './support.js';

const work = mkdtempSync(join(tmpdir(), 'sam-mil-groups-'));
after(() => rmSync(work, { recursive: true, force: true }));
const all = writeEvaluations(work);

function setUp(t: { after(done: () => void): void }, options: Partial<ReportWith> = {}) {
  const given: ReportWith = {
    evaluations: inputFile(all),
    groupBy: 'model',
    compare: 'none',
    title: 'Title',
  };
  return makeJob(t, { ...given, ...options }, { work, name: 'report' });
}

/** Evaluations whose items have other fields. */
function withFields(name: string, change: (fields: JsonObject) => JsonObject) {
  const items = readItems(all);
  const changed = items.map((item) => ({ ...item, fields: change(item.fields) }));
  return inputFile(writeRecords(work, `${name}.jsonl`, changed));
}

test('rows are split by a field on which evaluations of one group differ, and a note names it', async (t) => {
  // Two learning rates of one model: 18 evaluations of 9 folds.
  const evaluations = withFields('rates', ({ model, ...fields }) => {
    return { ...fields, model: 'abmil', lr: model === 'abmil' ? 0.1 : 0.01 };
  });
  const { rows, notes, groupBy } = await readReport(setUp(t, { evaluations }));
  assert.deepEqual(
    rows.map(({ group, folds }) => [group, folds]),
    [
      ['abmil · lr 0.01', 9],
      ['abmil · lr 0.1', 9],
    ],
  );
  assert.deepEqual(groupBy, ['model', 'lr']);
  assert.ok(notes.some((note) => /also split by `lr`.*Add it to the `group-by`/.test(note)));
  const whole = await readReport(setUp(t, { evaluations, groupBy: ['model', 'lr'] }));
  assert.deepEqual(whole.rows, rows);
  assert.ok(whole.notes.every((note) => !note.includes('also split')));
});

test('a field that follows from the fold, or only names the evaluation, splits nothing', async (t) => {
  const evaluations = withFields('sites', (fields) => ({
    ...fields,
    site: `site ${JSON.stringify(fields.fold)}`,
    checkpoint: `${JSON.stringify(fields)}.h5`,
  }));
  const { rows } = await readReport(setUp(t, { evaluations }));
  assert.deepEqual(
    rows.map(({ group }) => group),
    MODELS,
  );
});

test('a note warns when a fold counts twice in a group and no field tells why', async (t) => {
  const evaluations = withFields('twice', ({ repeat, fold }) => ({ repeat, fold, model: 'all' }));
  const { notes } = await readReport(setUp(t, { evaluations }));
  assert.ok(notes.some((note) => /several results for the same fold: all\. .*`group-by`/.test(note)));
  assert.ok((await readReport(setUp(t))).notes.every((note) => !note.includes('several results')));
});

test('a field of `group-by` or `sweep` that no evaluation has is refused, with the one that was meant', async (t) => {
  const refused = async (options: Partial<ReportWith>, expected: RegExp) =>
    assert.rejects(readReport(setUp(t, options)), hasCode('InvalidInput', expected));
  await refused(
    { groupBy: ['modle', 'fold'] },
    /the field `modle` of `group-by`.*one of fold, model, repeat.*did you mean `model`/,
  );
  await refused({ sweep: 'alpha' }, /the field `alpha` of `sweep`/);
  const lists = withFields('lists', (fields) => ({ ...fields, layers: [1, 2] }));
  await refused({ evaluations: lists, sweep: 'layers' }, /`sweep: layers` draws nothing.*\[1,2\]/);
  // Two alphas, of which the rows know nothing: not one chart over a mean of both.
  const swept = withFields('alphas', (fields) => ({ ...fields, alpha: fields.model === 'abmil' ? 1 : 2 }));
  const { sweeps } = await readReport(setUp(t, { evaluations: swept, sweep: 'alpha' }));
  assert.deepEqual(
    sweeps.map(({ of, points }) => [of, points.length]),
    [
      ['abmil', 1],
      ['sam-mil', 1],
    ],
  );
});
