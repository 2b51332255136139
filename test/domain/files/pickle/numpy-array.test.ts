import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numpyTensor } from '../../../../domain/files/pickle/numpy-array.js';
import { fixture } from '../../../support/fixtures.js';
import { readNpy } from '../../../support/npy.js';

const dtypes = { f8: 'float64', f4: 'float32', i8: 'int64', i4: 'int32', u1: 'uint8', big_i4: 'int32' };

for (const [name, dtype] of Object.entries(dtypes)) {
  test(`${name} is ${dtype}`, () => {
    const tensor = readNpy(fixture('formats', `${name}.npy`));
    assert.deepEqual([tensor.dtype, tensor.shape], [dtype, [2, 3]]);
    assert.deepEqual(Array.from(tensor.data, Number), [0, 1, 2, 3, 4, 5]);
  });
}

test('booleans and half floats are read', () => {
  assert.deepEqual([...readNpy(fixture('formats', 'b1.npy')).data], [0, 1, 1, 1, 1, 1]);
  assert.deepEqual(
    [...readNpy(fixture('formats', 'f2.npy')).data],
    [0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500],
  );
});

test('Fortran order becomes row-major', () => {
  const { shape, data } = readNpy(fixture('formats', 'fortran.npy'));
  assert.deepEqual(shape, [2, 3, 4]);
  assert.deepEqual(
    [...data],
    Array.from({ length: 24 }, (_, index) => index),
  );
});

test('text and arrays with too few bytes are rejected', () => {
  assert.throws(() => readNpy(fixture('formats', 'text.npy')), /<U2/);
  const bytes = new Uint8Array(23);
  assert.throws(() => numpyTensor({ descr: '<f4', shape: [2, 3], fortran: false, bytes }), RangeError);
});
