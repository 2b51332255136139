import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type CsvOptions, formatCsv, parseCsv, readCsv } from '../../../domain/files/csv.js';
import { expectError } from '../../support/expect-error.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();
const values = (text: string, options?: CsvOptions): Record<string, string>[] =>
  parseCsv(text, 'x.csv', options).rows.map((row) => row.values);

describe('reading', () => {
  test('headers, quotes, spaces, a byte order mark and both line ends are read', () => {
    const text = '\ufeffslide_id, label\r\n"a, b",tumor\r\n"say ""hi""", normal \r\n';
    assert.deepEqual(parseCsv(text, 'x.csv'), {
      columns: ['slide_id', 'label'],
      rows: [
        { line: 2, values: { slide_id: 'a, b', label: 'tumor' } },
        { line: 3, values: { slide_id: 'say "hi"', label: 'normal' } },
      ],
    });
  });

  test('line numbers count blank lines and line breaks in quotes', () => {
    const lines = parseCsv('a,b\n\n1,2\n"x\ny\nz",3\n\n\n4,5\n', 'x.csv').rows.map(({ line }) => line);
    assert.deepEqual(lines, [3, 4, 9]);
  });

  test('columns of a file without a header are named', () => {
    assert.deepEqual(values('s1,1\ns2,0\n', { header: false }), [
      { c0: 's1', c1: '1' },
      { c0: 's2', c1: '0' },
    ]);
    assert.deepEqual(values('s1,1\n', { header: false, columns: ['slide', 'label'] }), [
      { slide: 's1', label: '1' },
    ]);
  });

  test('a header is recognized by its words', () => {
    const auto: CsvOptions = { header: 'auto', columns: ['slide', 'label'] };
    assert.deepEqual(values('tumor_001,1\nnormal_002,0\n', auto)[0], { slide: 'tumor_001', label: '1' });
    assert.deepEqual(values('Slide_ID,Label\ntumor_001,1\n', auto), [{ Slide_ID: 'tumor_001', Label: '1' }]);
    assert.deepEqual(values('which,what\na,b\n', { header: 'auto', headerWords: ['WHAT'] }), [
      { which: 'a', what: 'b' },
    ]);
  });

  test('names such as __proto__ are plain names', () => {
    const [row] = values('__proto__,b\n1,2\n');
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
    assert.deepEqual(Object.keys(row), ['__proto__', 'b']);
  });

  test('errors state the file and the line', () => {
    expectError('InvalidInput', ['x.csv:3', '2 fields (a, b)', '3'], () =>
      parseCsv('a,b\n1,2\n1,2,3\n', 'x.csv'),
    );
    expectError('InvalidInput', ['x.csv:2', '1'], () => parseCsv('a,b\n1\n', 'x.csv'));
    expectError('InvalidInput', ['x.csv:', 'valid CSV'], () => parseCsv('a,b\n1,"2\n', 'x.csv'));
    expectError('InvalidInput', ['x.csv:1', '"a" twice'], () => parseCsv('a,a\n1,2\n', 'x.csv'));
    expectError('InvalidInput', ['x.csv:1', 'label', 'a, b'], () =>
      parseCsv('a,b\n', 'x.csv', { required: ['a', 'label'] }),
    );
    expectError('InvalidInput', ['x.csv', 'no rows'], () => parseCsv('', 'x.csv'));
  });

  test('semicolons and tabs as separators are rejected, but a text column may contain them', () => {
    expectError('InvalidInput', ['x.csv', 'separated by semicolons', 'commas'], () =>
      parseCsv('\ufeffslide_id;label\r\ns1;a\r\n\r\n', 'x.csv'),
    );
    expectError('InvalidInput', ['x.csv', 'separated by semicolons'], () =>
      parseCsv('bag;f0;f1\nb1;0,126;0,947\nb2;1;0,5\n', 'x.csv'),
    );
    expectError('InvalidInput', ['x.csv', 'separated by tabs'], () => parseCsv('a\tb\n1\t2\n', 'x.csv'));
    assert.equal(parseCsv('note\none; two\nthree\n', 'x.csv').rows.length, 2);
    assert.equal(parseCsv('a,b;c\n1,2;3\n', 'x.csv').rows.length, 1);
    expectError('InvalidInput', ['x.csv', 'separated by semicolons'], () =>
      parseCsv('bag;label;f0\nb1;1;0,126\nb2;0;-0,5\n', 'x.csv'),
    );
  });

  test('the line with the separator that Excel writes is no row', () => {
    assert.deepEqual(parseCsv('\ufeffsep=,\r\na,b\r\n1,2\r\n', 'x.csv').rows, [
      { line: 3, values: { a: '1', b: '2' } },
    ]);
    expectError('InvalidInput', ['x.csv', 'separated by semicolons'], () =>
      parseCsv('sep=;\na;b\n1;2\n', 'x.csv'),
    );
  });

  test('unreadable files are rejected', () => {
    expectError('InvalidInput', ['none.csv', 'does not exist'], () => readCsv(join(folder, 'none.csv')));
    expectError('InvalidInput', [folder, 'a folder'], () => readCsv(folder));
    const binary = join(folder, 'binary.csv');
    writeFileSync(binary, Buffer.from([0x61, 0x2c, 0xff, 0xfe, 0x0a]));
    expectError('InvalidInput', ['binary.csv', 'UTF-8'], () => readCsv(binary));
    const formats: [Uint8Array, string][] = [
      [Buffer.from('\ufeffa,b\r\n1,2\r\n', 'utf16le'), 'UTF-16 text'],
      [Buffer.from('\ufeffa,b\r\n1,2\r\n', 'utf16le').swap16(), 'UTF-16 text'],
      [Buffer.from('a,b\r\n1,2\r\n', 'utf16le'), 'NUL bytes, as in UTF-16'],
      [Buffer.from('PK\x03\x04x'), 'an Excel workbook'],
      [Buffer.from('a,b\n\u00fc,2\n', 'latin1'), 'not UTF-8'],
    ];
    for (const [bytes, found] of formats) {
      writeFileSync(binary, bytes);
      expectError('InvalidInput', [found, 'save it as CSV in UTF-8'], () => readCsv(binary));
    }
  });
});

describe('writing', () => {
  test('written tables are read back unchanged', () => {
    const rows = [
      { name: 'a, "b"', count: 3, ok: true },
      { name: 'two\nlines', count: 0.1 },
    ];
    const text = formatCsv(['name', 'count', 'ok'], rows);
    assert.equal(text.split('\n')[0], 'name,count,ok');
    assert.deepEqual(values(text), [
      { name: 'a, "b"', count: '3', ok: 'true' },
      { name: 'two\nlines', count: '0.1', ok: '' },
    ]);
  });

  test('a table without rows has a header', () => assert.equal(formatCsv(['a', 'b'], []), 'a,b\n'));
});

test('a table of 200,000 columns is read, and a row of more than 4 MiB is refused at its line', () => {
  const columns = Array.from({ length: 200_000 }, (_, i) => `c${i}`);
  const [row] = values(`${columns.join(',')}\n${columns.join(',')}\n`);
  assert.equal(row.c199999, 'c199999');
  expectError('InvalidInput', ['x.csv:2', 'Max Record Size'], () =>
    values(`slide_id,label\na,${'1'.repeat(5 << 20)}\n`),
  );
});

test('a gzipped table is read, and a file that is not gzipped despite its name is rejected', () => {
  const path = join(folder, 'table.csv.gz');
  writeFileSync(path, gzipSync('bag,f0\na,1\n'));
  assert.deepEqual(readCsv(path).rows, [{ line: 2, values: { bag: 'a', f0: '1' } }]);
  writeFileSync(path, 'bag,f0\na,1\n');
  expectError('InvalidInput', ['table.csv.gz'], () => readCsv(path));
});
