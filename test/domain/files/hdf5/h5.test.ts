import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { createH5, openH5, withH5, writeH5 } from '../../../../domain/files/hdf5/h5.js';
import { toFloat32 } from '../../../../domain/files/tensor.js';
import { checkout, fixture } from '../../../support/fixtures.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';
import { smallDisk } from '../../../support/small-disk.js';

const folder = scratchFolder();
const h5pyFile = fixture('formats', 'h5py.h5');
const sixValues = [0, 1, 2, 3, 4, 5];

describe('reading what h5py wrote', () => {
  const dtypes = {
    f4: 'float32',
    f8: 'float64',
    i1: 'int8',
    i2: 'int16',
    i4: 'int32',
    i8: 'int64',
    u1: 'uint8',
    u2: 'uint16',
    u4: 'uint32',
    u8: 'uint64',
    big_endian: 'float32',
  };
  for (const [name, dtype] of Object.entries(dtypes)) {
    test(`${name} is ${dtype}`, () => {
      withH5(h5pyFile, (file) => {
        assert.deepEqual(file.info(`types/${name}`), { dtype, shape: [2, 3] });
        assert.deepEqual(Array.from(file.read(`types/${name}`), Number), sixValues);
      });
    });
  }

  test('values in another file are rejected with its name, because the digest does not cover them', () => {
    withH5(fixture('formats', 'elsewhere.h5'), (file) => {
      expectError('InvalidInput', ['elsewhere.h5', 'another file', '/etc/passwd'], () =>
        file.read('features'),
      );
      expectError('InvalidInput', ['elsewhere.h5', 'another file', 'h5py.h5'], () => file.read('coords'));
      assert.equal(file.has('linked'), false);
    });
  });

  test('half floats keep their bits and are decoded exactly', () => {
    withH5(h5pyFile, (file) => {
      const { dtype } = file.info('types/f2');
      assert.equal(dtype, 'float16');
      assert.deepEqual([...toFloat32({ dtype, data: file.read('types/f2') })], sixValues);
      assert.deepEqual([...file.readFloat32('types/f2')], sixValues);
    });
  });

  test('booleans and scalars are read', () => {
    withH5(h5pyFile, (file) => {
      assert.deepEqual(file.info('types/bool'), { dtype: 'bool', shape: [3] });
      assert.deepEqual([...file.read('types/bool')], [1, 0, 1]);
      assert.deepEqual(file.info('scalar'), { dtype: 'float64', shape: [] });
      assert.deepEqual([...file.read('scalar')], [2.5]);
    });
  });

  test('chunked and deflated rows are read', () => {
    withH5(h5pyFile, (file) => {
      const rows = file.readInt32('packed', 63, 3);
      assert.deepEqual(
        [...rows],
        Array.from({ length: 15 }, (_, index) => 63 * 5 + index),
      );
      assert.equal(file.read('packed').at(-1), 4999n);
    });
  });

  test('attributes of every type are read', () => {
    withH5(h5pyFile, (file) => {
      assert.deepEqual(file.attributes('packed'), {
        fixed: 'fixed',
        flag: true,
        float: 0.5,
        floats: [1, 2.0005],
        int: 7,
        ints: [3, 4],
        none: null,
        text: 'grün',
        texts: ['a', 'bc'],
      });
    });
  });

  test('names and has list the members of a group', () => {
    withH5(h5pyFile, (file) => {
      assert.ok(file.names().includes('packed'));
      assert.equal(file.names('types').length, 13);
      assert.equal(file.has('types'), true);
      assert.equal(file.has('types/f4'), true);
      assert.equal(file.has('nowhere'), false);
      assert.equal(file.has('nowhere/deeper'), false);
      assert.equal(file.has('lists'), false, 'a dangling link');
    });
  });

  test('datasets other than arrays of numbers are rejected with their type', () => {
    withH5(h5pyFile, (file) => {
      expectError('InvalidInput', [h5pyFile, '"text"', 'string'], () => file.read('text'));
      expectError('InvalidInput', ['"compound"', 'compound'], () => file.info('compound'));
      expectError('InvalidInput', ['"ragged"', 'vlen'], () => file.read('ragged'));
      expectError('InvalidInput', ['"vlen"', 'no dataspace'], () => file.read('vlen'));
      expectError('InvalidInput', ['"types"'], () => file.read('types'));
      expectError('InvalidInput', ['"features"', 'packed'], () => file.read('features'));
      expectError('InvalidInput', ['"packed"', '995 to 1005', '1000 x 5'], () =>
        file.readRows('packed', 995, 10),
      );
      expectError('InvalidInput', ['"scalar"', '2.5'], () => file.readInt32('scalar'));
      expectError('InvalidInput', ['nothing'], () => file.attributes('nothing'));
    });
  });
});

describe('bad files', () => {
  test('missing files, folders, empty files and text are rejected', () => {
    expectError('InvalidInput', ['nope.h5', 'does not exist'], () => openH5(join(folder, 'nope.h5')));
    expectError('InvalidInput', [folder, 'not a regular file'], () => openH5(folder));
    const empty = join(folder, 'empty.h5');
    writeFileSync(empty, '');
    expectError('InvalidInput', ['empty.h5', '0 bytes'], () => openH5(empty));
    const text = join(folder, 'text.h5');
    writeFileSync(text, 'slide_id,label\n'.repeat(1000));
    expectError('InvalidInput', ['text.h5', 'not an HDF5 file'], () => openH5(text));
  });

  test('a file truncated at any length causes an error, never a wrong value', () => {
    const whole = readFileSync(h5pyFile);
    const cut = join(folder, 'cut.h5');
    for (let length = 8; length < whole.length; length += 997) {
      writeFileSync(cut, whole.subarray(0, length));
      expectError('InvalidInput', ['cut.h5'], () => withH5(cut, (file) => file.read('packed')));
    }
  });

  test('damage inside a deflated chunk is an error, not zeros', () => {
    const path = join(folder, 'damaged.h5');
    writeH5(path, (file) =>
      file.write(
        'a',
        Int32Array.from({ length: 10000 }, (_, index) => (index * 7919) % 1000),
        [10000],
        {
          chunks: [10000],
          gzip: 4,
        },
      ),
    );
    const bytes = readFileSync(path);
    bytes.fill(0xff, bytes.length - 3000, bytes.length - 2000);
    writeFileSync(path, bytes);
    expectError('InvalidInput', ['damaged.h5', '"a"'], () => withH5(path, (file) => file.read('a')));
    withH5(h5pyFile, (file) =>
      assert.equal(file.read('packed').length, 5000, 'the library still works afterwards'),
    );
  });

  test('nothing is printed to stderr', () => {
    const program = `
      import { openH5 } from ${JSON.stringify(join(checkout, 'dist/domain/files/hdf5/h5.js'))};
      for (const path of process.argv.slice(1)) { try { openH5(path).read('x'); } catch (error) { console.log(error.name); } }`;
    const cut = join(folder, 'cut-header.h5');
    copyFileSync(h5pyFile, cut);
    truncateSync(cut, 4000);
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', program, cut, h5pyFile, join(folder, 'nope.h5')],
      { encoding: 'utf8' },
    );
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trim().split('\n'), ['InvalidInput', 'InvalidInput', 'InvalidInput']);
  });
});

describe('writing', () => {
  const arrays = {
    float64: Float64Array.of(1e300, -0.5),
    float32: Float32Array.of(0.1, -3),
    int64: BigInt64Array.of(-(2n ** 62n), 5n),
    int32: Int32Array.of(-7, 7),
    int16: Int16Array.of(-300, 300),
    int8: Int8Array.of(-3, 3),
    uint64: BigUint64Array.of(2n ** 63n, 1n),
    uint32: Uint32Array.of(4e9, 1),
    uint16: Uint16Array.of(65535, 1),
    uint8: Uint8Array.of(255, 1),
  };
  for (const [dtype, data] of Object.entries(arrays)) {
    test(`${dtype} survives a round trip`, () => {
      const path = join(folder, `${dtype}.h5`);
      writeH5(path, (file) => file.write('group/a', data, [2, 1]));
      withH5(path, (file) => {
        assert.deepEqual(file.info('group/a'), { dtype, shape: [2, 1] });
        assert.deepEqual(file.read('group/a'), data);
      });
    });
  }

  test('a disk that is or becomes full is reported as DiskFull, and no file remains', (context) => {
    const disk = smallDisk(context, 64);
    if (disk === undefined) return;
    const path = join(disk, 'x.h5');
    const write = (values: number) => () =>
      writeH5(path, (file) => file.write('x', new Float64Array(values), [values]));
    expectError('DiskFull', [path], write(50_000));
    writeFileSync(join(disk, 'filler'), new Uint8Array(64 << 10));
    expectError('DiskFull', [path], write(1));
    assert.deepEqual(readdirSync(disk), ['filler']);
    rmSync(join(disk, 'filler'));
    write(1)();
    assert.deepEqual(readdirSync(disk), ['x.h5']);
  });

  test('empty arrays, scalars and attributes are written', () => {
    const path = join(folder, 'odd.h5');
    writeH5(path, (file) => {
      file.write('none', new Float32Array(0), [0, 3]);
      file.write('one', Float64Array.of(3), []);
      file.attribute('one', 'kind', 'first');
      file.attribute('one', 'kind', 'second');
      file.attribute('one', 'whole', { dtype: 'float64', value: [1, 2] });
      file.attribute('/', 'wide', 2 ** 40);
      file.attribute('/', 'texts', ['a', 'ß']);
    });
    withH5(path, (file) => {
      assert.deepEqual(file.info('none').shape, [0, 3]);
      assert.equal(file.read('none').length, 0);
      assert.deepEqual([...file.read('one')], [3]);
      assert.deepEqual(file.attributes('one'), { kind: 'second', whole: [1, 2] });
      assert.deepEqual(file.attributes(), { wide: 2 ** 40, texts: ['a', 'ß'] });
    });
  });

  test('arrays larger than a block are written, appended and in one piece', () => {
    const path = join(folder, 'long.h5');
    const rows = 9000;
    const data = Float32Array.from({ length: rows * 600 }, (_, index) => index % 8191);
    writeH5(path, (file) => {
      file.write('whole', data, [rows, 600]);
      file.write('grown', data.subarray(0, 600), [1, 600], { resizable: true });
      file.append('grown', data.subarray(600, 600 * 6000), 5999);
      file.append('grown', data.subarray(600 * 6000), 3000);
      file.reserve('filled', 'float32', [rows, 600]);
      file.fill('filled', data.subarray(600 * 4000), 4000);
      file.fill('filled', data.subarray(0, 600 * 4000), 0);
    });
    withH5(path, (file) => {
      for (const name of ['whole', 'grown', 'filled']) {
        assert.deepEqual(file.info(name).shape, [rows, 600]);
        assert.ok(Buffer.from(file.read(name).buffer).equals(Buffer.from(data.buffer)), name);
      }
    });
  });

  test('equal content produces equal bytes, at another time and after other work', async () => {
    const write = (path: string): Buffer => {
      writeH5(path, (file) => {
        file.write('a/b', Float32Array.of(1, 2, 3), [3], { attributes: { text: 'x', list: [1, 2.5] } });
        file.write('c', Int32Array.of(1), [1], { resizable: true });
        file.append('c', Int32Array.of(2), 1);
      });
      return readFileSync(path);
    };
    const first = write(join(folder, 'same1.h5'));
    writeH5(join(folder, 'other.h5'), (file) =>
      file.write('noise', new Float64Array(5000).fill(Math.PI), [5000]),
    );
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.ok(write(join(folder, 'same2.h5')).equals(first));
    assert.ok(
      Math.abs(Date.now() - performance.timeOrigin - performance.now()) < 60_000,
      'the clock continues',
    );
  });

  test('a file appears only when it is closed, and never after an abort', () => {
    const inner = join(folder, 'publishing');
    mkdirSync(inner);
    const path = join(inner, 'late.h5');
    const file = createH5(path);
    file.write('a', Int32Array.of(1), [1]);
    assert.equal(existsSync(path), false);
    file.close();
    assert.deepEqual(readdirSync(inner), ['late.h5']);
    assert.throws(() =>
      writeH5(join(inner, 'never.h5'), (never) => {
        never.write('a', Int32Array.of(1), [1]);
        throw new Error('changed my mind');
      }),
    );
    assert.deepEqual(readdirSync(inner), ['late.h5']);
  });

  test('a dataset is found by its name with and without a leading slash', () => {
    const path = join(folder, 'slash.h5');
    writeH5(path, (file) => {
      file.reserve('a', 'int32', [3]);
      file.fill('/a', Int32Array.of(4, 5, 6), 0);
    });
    withH5(path, (file) => assert.deepEqual(file.readInt32('a'), Int32Array.of(4, 5, 6)));
  });

  test('invalid calls are rejected', () => {
    const file = createH5(join(folder, 'misuse.h5'));
    file.write('a', Int32Array.of(1, 2), [2], { resizable: true });
    file.write('fixed', Int32Array.of(1, 2), [2]);
    assert.throws(() => file.write('b', Int32Array.of(1, 2), [3]), /2 elements do not fill/);
    assert.throws(() => file.write('a', Int32Array.of(1), [1]), /already exists/);
    assert.throws(() => file.append('a', Float32Array.of(1), 1), /contains int32, not float32/);
    assert.throws(() => file.append('a', Int32Array.of(1, 2), 1), /not 1 rows/);
    assert.throws(() => file.append('nowhere', Int32Array.of(1), 1), /"nowhere" does not exist/);
    assert.throws(() => file.append('fixed', Int32Array.of(1), 1), /fixed cannot grow/);
    assert.throws(() => file.fill('fixed', Int32Array.of(1), 2), /no rows 2 to 3/);
    file.abort();
    assert.equal(existsSync(join(folder, 'misuse.h5')), false);
  });

  test('a missing folder is rejected', () => {
    expectError('InvalidInput', ['gone', 'ENOENT'], () => createH5(join(folder, 'gone', 'a.h5')));
  });

  const superuser = process.getuid?.() === 0 ? 'the superuser may write anywhere' : false;
  test('a read-only folder is rejected', { skip: superuser }, () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o555);
    expectError('InvalidInput', ['closed', 'EACCES'], () => createH5(join(closed, 'a.h5')));
  });
});

describe('numbers and refusals that the library does not tell apart', () => {
  /** The datatype message of half floats: exponent and mantissa at bits 10 and 0, bias 15. */
  const HALF = Buffer.from([2, 0, 0, 0, 0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0]);
  const rewritten = (name: string, change: (message: Buffer) => void): string => {
    const path = join(folder, name);
    // 1, -2 and 0.15625 as bfloat16.
    const bytes = readFileSync(fixture('hdf5', 'half.h5'));
    const at = bytes.indexOf(HALF);
    assert.ok(at > 0);
    change(bytes.subarray(at, at + HALF.length));
    writeFileSync(path, bytes);
    return path;
  };

  test('bfloat16 is not read as half floats', () => {
    const path = rewritten('bfloat16.h5', (message) => message.set([7, 8, 0, 7, 127], 8));
    withH5(path, (file) => {
      assert.equal(file.info('features').dtype, 'bfloat16');
      assert.deepEqual([...file.readFloat32('features')], [1, -2, 0.15625]);
    });
  });

  test('floats of another form are refused with it', () => {
    const path = rewritten('other.h5', (message) => message.set([9, 6, 0, 9, 31], 8));
    withH5(path, (file) => {
      expectError('InvalidInput', ['other.h5', '6 bits of exponent, 9 of mantissa and bias 31'], () =>
        file.read('features'),
      );
    });
  });

  test('a filter that is not built in, and a file that was left open, are named as such', () => {
    withH5(fixture('hdf5', 'lzf.h5'), (file) => {
      expectError('InvalidInput', ['lzf.h5', 'filter lzf is not built in', 'h5repack'], () =>
        file.read('features'),
      );
    });
    expectError('InvalidInput', ['left-open.h5', 'still open for writing', 'h5clear -s'], () =>
      openH5(fixture('hdf5', 'left-open.h5')),
    );
    const cut = join(folder, 'cut.h5');
    const whole = readFileSync(h5pyFile);
    writeFileSync(cut, whole.subarray(0, whole.length - 1));
    expectError('InvalidInput', ['truncated', `expected ${whole.length} bytes`], () => openH5(cut));
  });
});
