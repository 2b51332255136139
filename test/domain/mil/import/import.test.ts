import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import { readCsv } from '../../../../domain/files/csv.js';
import { readTable, run } from '../../../../domain/mil/import/import.js';
import type { ImportWith } from '../../../../domain/mil/import/parameters.js';
import { expectError } from '../../../support/expect-error.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeJob } from '../cohort.js';

function table(folder: string, text: string, changes: Partial<ImportWith> = {}): ImportWith {
  const path = join(folder, 'table.csv');
  writeFileSync(path, text);
  return { table: { path, digest: 'sha256:t', name: 'table' }, ignore: [], standardize: false, ...changes };
}

test('a table becomes one features file per bag and a labels file that names them', async (t) => {
  const folder = temporaryFolder(t);
  const parameters = table(folder, 'bag,label,f0,f1\nb-1,1,1,2\na,0,5,6\nb-1,1,3,-4.5e-1\n');
  const job = makeJob(folder, folder, parameters);
  const { files, alongside = [], values } = await run(job);
  assert.deepEqual(values, { count: 2, instances: 3, dim: 2 });
  assert.deepEqual(
    readCsv(files.labels.from).rows.map(({ values }) => values),
    [
      { slide_id: 'b-1', path: 'bags/b-1.h5', label: '1' },
      { slide_id: 'a', path: 'bags/a.h5', label: '0' },
    ],
  );
  assert.deepEqual(
    alongside.map(({ to }) => to),
    ['bags/b-1.h5', 'bags/a.h5'],
  );
  const bag = readFeatures(alongside[0].from);
  assert.deepEqual([...bag.features], [1, 2, 3, Math.fround(-0.45)]);
  assert.deepEqual([...bag.coords], [0, 0, 1, 0]);
});

test('standardize works over all instances', async (t) => {
  const folder = temporaryFolder(t);
  const parameters = table(folder, 'bag_id,bag_label,f\nx,0,1\ny,1,3\n', { standardize: true });
  const { alongside = [] } = await run(makeJob(folder, folder, parameters));
  const features = alongside.map(({ from }) => [...readFeatures(from).features]);
  assert.deepEqual(features, [[-1], [1]]);
});

test('an error names the invalid line of a table', (t) => {
  const folder = temporaryFolder(t);
  const refused = (text: string, message: RegExp, changes?: Partial<ImportWith>) =>
    assert.throws(() => readTable(table(folder, text, changes)), { code: 'InvalidInput', message });
  refused(
    'bag,label,f\na,0,1\na,1,2\n',
    /table\.csv:3: bag "a" has two labels; expected 0, as in line 2; found 1/,
  );
  refused('bag,label,f\na,0,\n', /table\.csv:2: column "f" does not hold a finite number; found ""/);
  refused('bag,label,f\na,0,1e99\n', /column "f" does not hold a finite number/);
  refused('bag,label,f\n../a,0,1\n', /not a safe file name; .*found "\.\.\/a"/);
  refused('bag,label,f\n', /table\.csv: the table has no instances; expected one row per instance/);
  refused('bag,label,f\na,0,1\nb,,1\n', /table\.csv:3: bag "b" has an instance without a label/);
  refused('name,label,f\na,0,1\n', /the table has no column bag or bag_id.*`bag-column`/);
  refused('bag,label\na,0\n', /has no feature columns/);
  refused('bag,label,f\na,0,1\n', /has no feature columns/, { ignore: ['f'] });
});

test('columns that number or name the rows are no features', (t) => {
  const folder = temporaryFolder(t);
  const read = (text: string, changes: Partial<ImportWith> = {}) => readTable(table(folder, text, changes));
  for (const name of ['', 'Unnamed: 0', 'instance_id', 'index', 'patient_id', 'Row']) {
    expectError('InvalidInput', ['table.csv', JSON.stringify(name), 'ignore'], () =>
      read(`${name},bag,label,f0\n0,a,1,0.5\n1,b,0,0.25\n`),
    );
    assert.equal(read(`${name},bag,label,f0\n0,a,1,0.5\n`, { ignore: [name] }).dim, 1, name);
  }
  assert.equal(read('bag,label,refractive_index,identity\na,1,0.5,2\n').dim, 2);
});

test('a feature is a decimal number', (t) => {
  const folder = temporaryFolder(t);
  for (const text of ['0x10', '', '1e', '"0,5"', 'Infinity', '1e999']) {
    expectError('InvalidInput', ['table.csv', 'finite number'], () =>
      readTable(table(folder, `bag,label,f0\na,1,${text}\n`)),
    );
  }
  assert.equal(
    readTable(table(folder, 'bag,label,f0\na,1,+.5e-2\n')).bags[0].features[0],
    Math.fround(0.005),
  );
});
