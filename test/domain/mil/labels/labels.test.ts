import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareLabels } from '../../../../domain/mil/labels/class-names.js';
import { matchLabels } from '../../../../domain/mil/labels/labeled-bags.js';
import { RandomStream } from '../../../../domain/random.js';
import { hasCode } from '../support.js';
import { items, reader } from './label-tables.js';

/** Rows `s0,label`, `s1,label`, ... */
const rowsOf = (labels: readonly string[]) => labels.map((label, i) => `s${i},${label}`);

test('a class that is spelled in two ways is refused with both spellings and their lines', (t) => {
  const read = reader(t);
  const pairs = [
    ['1', '1.0'],
    ['1', '01'],
    ['1', '+1'],
    ['"1,0"', '1'],
    ['Tumor', 'tumor'],
    ['TUMOR', 'Tumor'],
    ['high grade', 'high_grade'],
    ['High-Grade', 'high grade'],
    ['tumor', 'tu\u200bmor'],
    ['a b', 'a\u00a0b'],
    ['Ma\u0308nnlich', 'm\u00e4nnlich'],
    ['1', 'true'],
    ['1', '1e0'],
    ['1.0', '10e-1'],
    ['0.5', '.50'],
    ['1E+3', '1000'],
    ['0', '-0.0'],
    ['true', '1e0'],
    ['no', '0'],
  ];
  for (const [a, b] of pairs) {
    const rows = rowsOf([a, 'other', b, a]);
    assert.throws(
      () => read(rows),
      hasCode(
        'InvalidInput',
        /labels\.csv:3: class ".+" is also spelled ".+".*in 2 rows \(first: line 1\).*in 1 row/s,
      ),
      `${a} and ${b}`,
    );
    assert.equal(
      read(rows, { classes: [a, 'other', b].map((name) => name.replaceAll('"', '')) }).classes.length,
      3,
    );
  }
});

test('all faults of a labels file are listed together, with counts', (t) => {
  const rows = [
    'slide_id,label,patient',
    's0,Tumor,p0',
    ',tumor,p1',
    's2,,p2',
    's0,normal,',
    's4,Normal,P0',
    's2,tumor,p5',
  ];
  assert.throws(
    () => reader(t)(rows),
    (error: Error) => {
      const found = [
        /labels\.csv: 6 faults in the labels/,
        /labels\.csv:3: this row has no name/,
        /labels\.csv:5: 2 names have two labels\n.*"s0" \(lines 2, 5\), "s2" \(lines 4, 7\)/,
        /labels\.csv:4: 1 row has no label/,
        /labels\.csv:5: 1 row has no patient/,
        /labels\.csv:6: patient "p0" is also spelled "P0"/,
        /class "Tumor" is also spelled "tumor"; 2 names have several spellings/,
      ];
      for (const text of found) assert.match(error.message, text);
      return true;
    },
  );
  const many = Array.from({ length: 40 }, (_, i) => `s${i},${i % 2 ? 'x' : ''}`);
  assert.throws(() => reader(t)(many), hasCode('InvalidInput', /20 rows have no label.*, and 8 more/));
  const other = rowsOf(['0', '1', '3', '3', '5']);
  assert.throws(
    () => reader(t)(other, { classes: ['0', '1'] }),
    hasCode('InvalidInput', /the labels of 3 rows are not one of `classes`.*"3" in 2 rows .*"5" in 1 row/),
  );
});

test('names that differ in more than spelling stay separate classes', (t) => {
  const labels = ['3+4', '4+3', 'ER+', 'ER-', '1', '-1', '1.5', '15', '10', 'T1', 'T-2', 'I', 'II'];
  assert.equal(reader(t)(rowsOf(labels)).classes.length, labels.length);
});

test('a label that states that it is not known is refused with its rows, or listed with `unmatched: drop`', (t) => {
  const read = reader(t);
  for (const text of [
    '',
    'nan',
    'NaN',
    'NA',
    'n/a',
    'None',
    'null',
    'NULL',
    '<NA>',
    '#N/A',
    'n.a.',
    '.',
    "'--",
    'Unknown',
    '[Not Available]',
  ]) {
    const rows = ['slide_id,label', ...rowsOf(['0', text, '1', text])];
    assert.throws(
      () => read(rows),
      hasCode('InvalidInput', /labels\.csv:3: 2 rows have no label.*line 3 "s1".*line 5 "s3"/),
      text,
    );
    const { classes, rows: kept, unlabeled } = read(rows, { unmatched: 'drop' });
    assert.deepEqual(classes, ['0', '1']);
    assert.deepEqual(
      kept.map(({ name }) => name),
      ['s0', 's2'],
    );
    assert.deepEqual(
      unlabeled.map(({ name, line }) => [name, line]),
      [
        ['s1', 3],
        ['s3', 5],
      ],
    );
  }
  const asked = read(rowsOf(['none', 'metastasis', 'none']), { classes: ['none', 'metastasis'] });
  assert.deepEqual(
    asked.rows.map(({ label }) => label),
    [0, 1, 0],
  );
});

test('rows of empty cells are skipped', (t) => {
  assert.equal(reader(t)(['slide_id,label,patient', 's0,a,p0', 's1,b,p1', ',,', ',,']).rows.length, 2);
});

test('a slide of a row without a label is dropped with its reason, also if the row names a patient', (t) => {
  const table = reader(t)(['patient,label', 'P1,0', 'P1-2,nan', 'P3,1'], {
    unmatched: 'drop',
    keyColumn: 'patient',
  });
  const { bags, dropped } = matchLabels(items('P1-1', 'P1-2-a', 'P3-1'), table, {
    match: 'contains',
    unmatched: 'drop',
  });
  assert.deepEqual(
    bags.map(({ key }) => key),
    ['P1-1', 'P3-1'],
  );
  assert.deepEqual(dropped, [{ name: 'P1-2-a', reason: 'no label in line 3 (nan)' }]);
});

test('patients are found by any usual name of their column', (t) => {
  const read = reader(t);
  const names = [
    ...[
      'patient',
      'PATIENT',
      'Patient_ID',
      'PatientID',
      'Patient ID',
      'patient-id',
      'patientId',
      'Patient No.',
    ],
    ...['subject', 'subject_id', 'Subject-ID', 'submitter_id', 'case_submitter_id', 'cases.submitter_id'],
    ...['case', 'case_id', 'Case ID', 'caseid', 'mrn', 'MRN', 'donor', 'donor_id', 'participant_id', 'PID'],
    ...['id_patient', 'Pt No.', 'patnr', 'Patienten-ID', 'hospital_number'],
    ...['bcr_patient_barcode', 'Patient Name', 'patient number', 'patientIdentifier'],
  ];
  for (const name of names) {
    const { groupColumn, rows } = read([`slide_id,label,${name}`, 's0,a,p0', 's1,b,p0']);
    assert.equal(groupColumn, name);
    assert.deepEqual(
      rows.map(({ group }) => group),
      ['p0', 'p0'],
      name,
    );
  }
  for (const name of ['age', 'patient_age', 'caseload', 'institution', 'site']) {
    assert.equal(read([`slide_id,label,${name}`, 's0,a,1', 's1,b,1']).groupColumn, undefined, name);
  }
});

test('columns are found by name, whatever their case and punctuation', (t) => {
  const read = reader(t);
  assert.deepEqual(
    read(['Slide ID,Slide Label', 's0,a', 's1,b']).rows.map(({ name }) => name),
    ['s0', 's1'],
  );
  const options = { keyColumn: 'probe nr', labelColumn: 'WHO-grade', groupColumn: 'hospital' };
  const { classes, groupColumn } = read(['Probe_Nr,WHO grade,Hospital', 's0,a,h', 's1,b,h'], options);
  assert.deepEqual([classes, groupColumn], [['a', 'b'], 'Hospital']);
});

test('two patient columns that disagree are refused, and `group-column` chooses', (t) => {
  const read = reader(t);
  const rows = ['slide_id,label,patient,case_id', 's0,a,p0,c0', 's1,b,p1,c0', 's2,b,p2,c1'];
  assert.throws(
    () => read(rows),
    hasCode('InvalidInput', /"patient" and "case_id" may both identify the patient/),
  );
  assert.equal(read(rows, { groupColumn: 'case_id' }).groupColumn, 'case_id');
  // The cases of a patient: the patient is the larger unit.
  const nested = ['slide_id,label,case_id,patient', 's0,a,c0,p0', 's1,b,c1,p0', 's2,b,c2,p1'];
  assert.equal(read(nested).groupColumn, 'patient');
});

test('a patient that is missing or spelled in two ways is refused with the rows', (t) => {
  const read = reader(t);
  const table = (...patients: string[]) => [
    'slide_id,label,PatientID',
    ...patients.map((patient, i) => `s${i},${i % 2},${patient}`),
  ];
  for (const blank of ['', 'nan', 'NA', 'None', '-']) {
    assert.throws(
      () => read(table('p0', blank, 'p2')),
      hasCode(
        'InvalidInput',
        /labels\.csv:3: 1 row has no patient in column "PatientID".*line 3 "s1".*group-column: none/,
      ),
    );
  }
  for (const [a, b] of [
    ['p1', 'P1'],
    ['1', '1.0'],
    ['001', '1'],
    ['TCGA-05', 'tcga_05'],
  ]) {
    assert.throws(
      () => read(table(a, b, 'p2')),
      hasCode('InvalidInput', new RegExp(`labels\\.csv:3: patient "${a}" is also spelled "${b}".*line 2`)),
    );
  }
  assert.equal(read(table('1.1', '1.10', '11')).rows.length, 3, 'numbering by site and patient');
  assert.equal(read(table('', 'nan', ''), { groupColumn: 'none' }).groupColumn, undefined);
  assert.equal(read(table('', '', '')).groupColumn, undefined, 'an unused column');
  const dropped = ['slide_id,label,patient', 's0,a,p0', 's1,b,p1', 's2,,'];
  assert.equal(read(dropped, { unmatched: 'drop' }).rows.length, 2, 'a row that is dropped needs no patient');
});

test('the order of the classes does not depend on the order of the rows, for any names', (t) => {
  const read = reader(t);
  const pool = [
    '6',
    '3+4',
    '4+3',
    '8',
    '9',
    '10',
    'a',
    'B',
    '-2',
    '1e3',
    '0.5',
    '2a',
    '10b',
    'z',
    '\u00e4',
    '+',
    '7-',
  ];
  const random = new RandomStream(1, 'test', 'class-order');
  for (let round = 0; round < 200; round++) {
    const names = [...random.permutation(pool.length)].slice(0, 3 + (round % 8)).map((i) => pool[i]);
    const expected = read(rowsOf(names)).classes;
    for (let turn = 0; turn < 3; turn++) {
      const shuffled = [...random.permutation(names.length)].map((i) => names[i]);
      assert.deepEqual(read(rowsOf(shuffled)).classes, expected, shuffled.join());
    }
  }
  for (const a of pool)
    for (const b of pool)
      for (const c of pool) {
        if (compareLabels(a, b) < 0 && compareLabels(b, c) < 0)
          assert.ok(compareLabels(a, c) < 0, `${a} < ${b} < ${c}`);
      }
});

test('a negative name is never the positive class of two without being asked for', (t) => {
  const read = reader(t);
  const pairs = [
    ['cancer', 'normal'],
    ['ER+', 'ER-'],
    ['MSI', 'MSS'],
    ['mutant', 'wild type'],
    ['mut', 'wt'],
    ['cancer', 'non-cancer'],
    ['cancer', 'no cancer'],
    ['high', 'low'],
    ['HER2 amplified', 'HER2 negative'],
  ];
  for (const [positive, negative] of pairs) {
    assert.throws(
      () => read(rowsOf([positive, negative])),
      hasCode('InvalidInput', /would be scored as the positive class/),
      negative,
    );
    assert.deepEqual(read(rowsOf([positive, negative]), { classes: [negative, positive] }).rows[0].label, 1);
  }
  for (const [negative, positive] of [
    ['0', '1'],
    ['normal', 'tumor'],
    ['LUAD', 'LUSC'],
    ['neg', 'pos'],
    ['no', 'yes'],
    ['negative', 'positive'],
  ]) {
    assert.deepEqual(read(rowsOf([positive, negative])).classes, [negative, positive]);
  }
});
