import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PickleWriter } from '../../../../domain/files/pickle/pickle-writer.js';
import { readSafetensors } from '../../../../domain/files/safetensors.js';
import { type PtContent, readPt, readPtTensor, writePt } from '../../../../domain/files/torch/torch-pt.js';
import { toFloat32, type Tensor } from '../../../../domain/files/tensor.js';
import { fixture, sharedFile } from '../../../support/fixtures.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';
import { archive, storedZip, tensorProgram } from './torch-archive.js';

const folder = scratchFolder();
const path = join(folder, 'file.pt');

/** The content of torch_zip.pt and torch_legacy.pt (see make.py). */
const arange = Array.from({ length: 12 }, (_, index) => index);
const expected: Record<string, [dtype: string, shape: number[], values: (number | bigint)[]]> = {
  f16: ['float16', [4], [0.5, -1.25, Math.fround(1 / 2 ** 24), Infinity]],
  bf16: ['bfloat16', [3], [0.5, -1.25, 3.00405527047391e38]],
  f32: ['float32', [3, 4], arange],
  f64: ['float64', [2], [1e300, -0]],
  i64: ['int64', [2], [-(2n ** 62n), 7n]],
  i32: ['int32', [2], [-5, 5]],
  i16: ['int16', [1], [-300]],
  i8: ['int8', [1], [-3]],
  u8: ['uint8', [1], [250]],
  bool: ['bool', [2], [1, 0]],
  scalar: ['float32', [], [2.5]],
  empty: ['float32', [0, 3], []],
  transposed: ['float32', [4, 3], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]],
  part: ['float32', [4], [5, 6, 7, 8]],
  every_other: ['float32', [6], [0, 2, 4, 6, 8, 10]],
  parameter: ['float32', [2, 2], [1, 1, 1, 1]],
  'nested.list.0': ['float32', [1], [1]],
  'nested.(a, 1)': ['float32', [1], [2]],
  'facts.array': ['float32', [2, 2], [0, 2, 1, 3]],
};

describe('reading what torch.save wrote', () => {
  for (const name of ['torch_zip.pt', 'torch_legacy.pt']) {
    test(`${name}: types, strides, shared storages, parameters and nesting are read`, () => {
      const { value, tensors } = readPt(fixture('formats', name));
      assert.deepEqual(Object.keys(tensors).sort(), Object.keys(expected).sort());
      for (const [key, [dtype, shape, values]] of Object.entries(expected)) {
        const tensor = tensors[key];
        assert.deepEqual([tensor.dtype, tensor.shape], [dtype, shape], key);
        const found = dtype.endsWith('float16')
          ? [...toFloat32(tensor)]
          : Array.from(tensor.data as Float32Array);
        assert.deepEqual(found, values, key);
      }
      const { facts, nested } = value as Record<string, Record<string, unknown>>;
      const { array, ...plain } = facts;
      assert.equal(array, tensors['facts.array']);
      assert.deepEqual(plain, { epoch: 12, auc: 0.75, big: 2n ** 70n, np: 0.25 });
      assert.deepEqual((nested.list as unknown[]).slice(1), [3, 'x', null, true]);
      assert.equal(tensors.f32.data.buffer, tensors.part.data.buffer, 'shared storages share memory');
    });
  }

  test('unsigned types in untyped storages are read, in pickle protocol 4', () => {
    const { tensors } = readPt(fixture('formats', 'torch_unsigned.pt'));
    assert.deepEqual(tensors, {
      u16: { dtype: 'uint16', shape: [2], data: Uint16Array.of(1, 2 ** 16 - 1) },
      u32: { dtype: 'uint32', shape: [2], data: Uint32Array.of(1, 2 ** 32 - 1) },
      u64: { dtype: 'uint64', shape: [2], data: BigUint64Array.of(1n, 2n ** 64n - 1n) },
      expanded: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 2) },
    });
  });

  test('a single tensor is read', () => {
    const tensor = readPtTensor(fixture('formats', 'torch_tensor.pt'));
    assert.deepEqual([tensor.dtype, tensor.shape], ['float16', [2, 3]]);
    assert.deepEqual([...toFloat32(tensor)], [0, 1, 2, 3, 4, 5]);
    expectError('InvalidInput', ['torch_zip.pt', '19 named'], () =>
      readPtTensor(fixture('formats', 'torch_zip.pt')),
    );
  });

  test('a script and a whole module are rejected by name', () => {
    expectError('UnsupportedFormat', ['torch_script.pt', 'TorchScript', 'state_dict'], () =>
      readPt(fixture('formats', 'torch_script.pt')),
    );
    expectError('InvalidInput', ['torch_module.pt', '"torch.nn.modules.linear.Linear"'], () =>
      readPt(fixture('formats', 'torch_module.pt')),
    );
  });

  const checkpoint = sharedFile('data', 'checkpoints', 'abmil_c16_seed2021_fold0.pt');
  test(
    'a published checkpoint is read',
    { skip: checkpoint === undefined && 'not available next to this checkout' },
    () => {
      const { tensors } = readPt(checkpoint as string);
      assert.equal(Object.keys(tensors).length, 6);
      assert.deepEqual(tensors['patch_to_emb.0.weight'].shape, [512, 1024]);
      assert.ok(Object.values(tensors).every(({ data }) => (data as Float32Array).every(Number.isFinite)));
    },
  );

  const twins = [
    ['resnet50_w8_cut.legacy.pth', 'resnet50_w8_cut.safetensors'],
    ['resnet50_w8.pth', 'resnet50_w8_cut.safetensors'],
  ].map((names) => names.map((name) => sharedFile('oracles', 'encoders', name)));
  test(
    'encoder weights equal those of the safetensors files',
    { skip: twins[0][0] === undefined && 'not beside this checkout' },
    () => {
      for (const [pt, safe] of twins as [string, string][]) {
        const { tensors } = readPt(pt);
        for (const [name, tensor] of Object.entries(readSafetensors(safe).tensors))
          assert.deepEqual(tensors[name], tensor, name);
      }
    },
  );
});

describe('writing', () => {
  const tensors: Record<string, Tensor> = {
    'layer.weight': { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    half: { dtype: 'float16', shape: [1], data: Uint16Array.of(0x3c00) },
    brain: { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x3f80) },
    counts: { dtype: 'int64', shape: [], data: BigInt64Array.of(-5n) },
    flags: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
    none: { dtype: 'float64', shape: [0, 3], data: new Float64Array(0) },
  };

  test('tensors survive a round trip', () => {
    writePt(path, { tensors });
    assert.deepEqual(readPt(path).tensors, tensors);
    writePt(path, { tensor: tensors['layer.weight'] });
    assert.deepEqual(readPtTensor(path), tensors['layer.weight']);
  });

  test('content is stored and aligned to 64 bytes, and equal content produces equal bytes', () => {
    writePt(path, { tensors });
    const bytes = readFileSync(path);
    const at = bytes.indexOf(Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
    assert.ok(at > 0);
    assert.equal(at % 64, 0);
    writePt(join(folder, 'other name.pt'), { tensors });
    assert.ok(readFileSync(join(folder, 'other name.pt')).equals(bytes));
  });

  test('values can be written in pieces, and a wrong number of them leaves no file', () => {
    const pieces = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)];
    const content: PtContent = { tensor: { dtype: 'float32', shape: [2, 3], data: pieces } };
    writePt(path, content);
    assert.deepEqual(readPtTensor(path), tensors['layer.weight']);
    const short: PtContent = { tensor: { dtype: 'float32', shape: [3, 3], data: pieces } };
    assert.throws(() => writePt(join(folder, 'short.pt'), short), /expected 36 bytes, got 24/);
    assert.throws(() => readFileSync(join(folder, 'short.pt')), { code: 'ENOENT' });
  });

  test('types without a torch storage class are rejected', () => {
    const data = Uint16Array.of(1);
    expectError('UnsupportedFormat', ['uint16'], () =>
      writePt(path, { tensor: { dtype: 'uint16', shape: [1], data } }),
    );
  });
});

describe('bad files', () => {
  const read = (): unknown => readPt(path);
  const floats = Buffer.from(new Float32Array(6).buffer);
  const write = (program: Uint8Array, storages: Record<string, Uint8Array> = { '0': floats }): void =>
    writeFileSync(path, archive(program, storages));

  test('missing files, empty files, text and tar are rejected', () => {
    expectError('InvalidInput', ['nope.pt', 'does not exist'], () => readPt(join(folder, 'nope.pt')));
    writeFileSync(path, '');
    expectError('InvalidInput', ['file.pt', '0 bytes'], read);
    writeFileSync(path, 'hello, world');
    expectError('InvalidInput', ['file.pt', 'not a file written by torch.save'], read);
    const tar = Buffer.alloc(1024);
    tar.write('ustar', 257);
    writeFileSync(path, tar);
    expectError('UnsupportedFormat', ['tar format'], read);
    writeFileSync(path, Buffer.from('\x80\x02K\x01.', 'latin1'));
    expectError('InvalidInput', ['plain pickle'], read);
  });

  test('the valid archive that the malformed ones are derived from is read', () => {
    write(tensorProgram({}));
    assert.deepEqual(readPtTensor(path).shape, [2, 3]);
  });

  test('an archive truncated anywhere is rejected', () => {
    for (const name of ['torch_zip.pt', 'torch_legacy.pt']) {
      const whole = readFileSync(fixture('formats', name));
      for (let length = 1; length < whole.length; length += 41) {
        writeFileSync(path, whole.subarray(0, length));
        expectError('InvalidInput', ['file.pt'], read);
      }
    }
  });

  test('a program that calls os.system is rejected and not executed', () => {
    write(
      new PickleWriter(2)
        .global('os', 'system')
        .tuple(() => void 0)
        .op('R.')
        .take(),
    );
    expectError('InvalidInput', ['"os.system"', 'not allowed'], read);
  });

  const malformed: [name: string, change: Parameters<typeof tensorProgram>[0], words: string[]][] = [
    ['a shape beyond its storage', { shape: [3, 3], strides: [3, 1] }, ['reaches element 8', 'storage of 6']],
    ['an offset beyond its storage', { offset: 1 }, ['reaches element 6', 'storage of 6']],
    ['an absurd shape', { shape: [2 ** 33, 3], strides: [3, 1] }, ['reaches element']],
    ['a stride that exceeds its storage', { shape: [2, 3], strides: [4, 1] }, ['reaches element 6']],
    ['overlapping elements', { shape: [5, 2], strides: [1, 1] }, ['overlap']],
    ['a stride of 0 with a billion elements', { shape: [1e9], strides: [0] }, ['overlap']],
    ['a negative offset', { offset: -1 }, ['invalid']],
    ['a negative size', { shape: [-2, 3] }, ['invalid']],
    ['a negative stride', { strides: [-3, 1] }, ['invalid']],
    ['fewer strides than axes', { strides: [1] }, ['invalid']],
    [
      'a hundred axes',
      { shape: Array(100).fill(1) as number[], strides: Array(100).fill(1) as number[] },
      ['invalid'],
    ],
    ['a storage longer than its entry', { length: 7 }, ['28 bytes', '24']],
    ['a storage of another type', { storage: 'DoubleStorage' }, ['48 bytes', '24']],
    ['an unknown storage type', { storage: 'QUInt8Storage' }, ['"torch.QUInt8Storage"', 'not allowed']],
    ['a storage without an entry', { key: '7' }, ['does not contain the entry', '"7"']],
    ['values that torch negates', { notes: { neg: true } }, ['negates', 'resolve_neg']],
    ['a storage key that leaves the folder', { key: '../data.pkl' }, ['does not contain the entry']],
  ];
  for (const [name, change, words] of malformed) {
    test(name, () => {
      write(tensorProgram(change));
      expectError('InvalidInput', ['file.pt', ...words], read);
    });
  }

  test('many references to one list that expand beyond memory are rejected', () => {
    const program = new PickleWriter(2).op(']q\0');
    for (let depth = 0; depth < 40; depth++)
      program.op(`](h${String.fromCharCode(depth)}h${String.fromCharCode(depth)}eq`).raw([depth + 1]);
    write(program.op('.').take());
    expectError('InvalidInput', ['expands to more than'], read);
  });

  test('a list that contains itself is rejected', () => {
    write(new PickleWriter(2).op(']q\0h\0a.').take());
    expectError('InvalidInput', ['nested deeper'], read);
  });

  test('many strided copies of one storage are rejected', () => {
    const big = new Uint8Array(4 << 20);
    const side = 1024;
    const program = new PickleWriter(2).list(() => {}).op('0](');
    const view = { length: side * side, shape: [side, side], strides: [1, side] };
    for (let copy = 0; copy < 40; copy++) program.raw(tensorProgram(view).subarray(2, -1));
    write(program.op('e.').take(), { '0': big });
    expectError('InvalidInput', ['more bytes than the file has'], read);
  });

  test('compressed and encrypted entries are rejected', () => {
    const zip = archive(tensorProgram({}), { '0': floats });
    for (const [method, flags, word] of [
      [8, 0, 'compressed'],
      [0, 1, 'encrypted'],
    ] as const) {
      writeFileSync(path, archive(tensorProgram({}), { '0': floats }, { method, flags }));
      expectError('UnsupportedFormat', ['file.pt', word, 'torch.save'], read);
    }
    writeFileSync(path, zip);
    readPt(path);
  });

  test('entries that overlap, have wrong offsets, or are larger than the file are rejected', () => {
    const program = tensorProgram({});
    const entry = { name: 'archive/data.pkl', content: program };
    const data = { name: 'archive/data/0', content: floats };
    writeFileSync(path, storedZip([entry, data, { ...data, name: 'archive/data/1', sameAs: 1 }]));
    expectError('InvalidInput', ['archive/data/1', 'overlaps'], read);
    writeFileSync(path, storedZip([entry, { ...data, claimed: 2 ** 31 }]));
    expectError('InvalidInput', ['archive/data/0', 'does not fit', '2147483648'], read);
    writeFileSync(path, storedZip([entry, { ...data, local: 3 }]));
    expectError('InvalidInput', ['archive/data/0', 'is not at the offset'], read);
    writeFileSync(path, storedZip([data]));
    expectError('InvalidInput', ['without data.pkl'], read);
  });

  test('duplicate entry names and names that leave the archive are rejected', () => {
    const entry = { name: 'archive/data.pkl', content: tensorProgram({ notes: { neg: false } }) };
    const data = { name: 'archive/data/0', content: floats };
    writeFileSync(path, storedZip([entry, data]));
    readPt(path);
    writeFileSync(path, storedZip([entry, data, data]));
    expectError('InvalidInput', ['two entries named "archive/data/0"'], read);
    for (const name of ['../evil', '/etc/evil', 'archive/../../evil', 'other/data/1']) {
      writeFileSync(path, storedZip([entry, data, { ...data, name }]));
      expectError('InvalidInput', [name, "outside the archive's folder", 'archive/'], read);
    }
  });

  test('sizes that are not numbers are rejected', () => {
    const valid = Buffer.from(tensorProgram({}));
    // BININT1 2 becomes None, and the text "2".
    for (const size of ['N', 'X\x01\0\0\0' + '2']) {
      const program = Buffer.from(valid.toString('latin1').replace('K\x02K\x03', `${size}K\x03`), 'latin1');
      assert.notDeepEqual(program, valid);
      write(program);
      expectError('InvalidInput', ['invalid shape (NaN, 3)'], read);
    }
  });

  test('a big-endian file is rejected', () => {
    writeFileSync(
      path,
      storedZip([
        { name: 'archive/data.pkl', content: tensorProgram({}) },
        { name: 'archive/byteorder', content: Buffer.from('big') },
        { name: 'archive/data/0', content: floats },
      ]),
    );
    expectError('InvalidInput', ['byte order', 'big'], read);
  });

  test('a legacy version that is a large integer or contains itself is rejected', () => {
    const magic = Buffer.from([
      0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
    ]);
    const large = Buffer.from([0x80, 2, 0x8a, 11, ...Array<number>(10).fill(0), 1, 0x2e]);
    const itself = Buffer.from('\x80\x02]q\x00h\x00a.', 'latin1');
    const path = join(folder, 'version.pth');
    for (const [version, found] of [
      [large, '1208925819614629174706176'],
      [itself, 'a container'],
    ] as const) {
      writeFileSync(path, Buffer.concat([magic, version]));
      expectError('InvalidInput', [path, 'version', found], () => readPt(path));
    }
  });

  test('legacy storages of the wrong length are rejected', () => {
    const whole = readFileSync(fixture('formats', 'torch_legacy.pt'));
    const at = whole.lastIndexOf(Buffer.from(Float64Array.of(1e300).buffer)) - 8;
    whole.writeBigInt64LE(3n, at);
    writeFileSync(path, whole);
    expectError('InvalidInput', ['wrong length', '2 elements', '3'], read);
  });
});

describe('archives beyond 4 GB', () => {
  test('sizes and offsets in zip64 fields are read', () => {
    const floats = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    writeFileSync(path, archive(tensorProgram({}), { '0': floats }, { zip64: true }));
    assert.deepEqual([...(readPtTensor(path).data as Float32Array)], [1, 2, 3, 4, 5, 6]);
  });
});
