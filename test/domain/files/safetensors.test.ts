import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../../domain/files/safetensors.js';
import type { Tensor } from '../../../domain/files/tensor.js';
import { expectError } from '../../support/expect-error.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const path = join(scratchFolder(), 'weights.safetensors');

const tensors: Record<string, Tensor> = {
  flag: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
  'layer.bias': { dtype: 'float32', shape: [2], data: Float32Array.of(0.5, -1) },
  'layer.weight': { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  half: { dtype: 'float16', shape: [1], data: Uint16Array.of(0x3c00) },
  brain: { dtype: 'bfloat16', shape: [], data: Uint16Array.of(0x3f80) },
  wide: { dtype: 'int64', shape: [1], data: BigInt64Array.of(-7n) },
  none: { dtype: 'float64', shape: [0, 4], data: new Float64Array(0) },
};

/** Writes a file with any header. */
function write(header: unknown, values = Buffer.alloc(8)): void {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, text, values]));
}
const read = (): unknown => readSafetensors(path);
const one = (entry: object): object => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...entry } });

test('tensors and metadata survive a round trip', () => {
  writeSafetensors(path, tensors, { model: 'abmil', epoch: '12' });
  assert.deepEqual(readSafetensors(path), { tensors, metadata: { model: 'abmil', epoch: '12' } });
  writeSafetensors(path, {});
  assert.deepEqual(readSafetensors(path), { tensors: {}, metadata: {} });
});

test('equal content produces equal bytes in any order of tensors, and values are aligned', () => {
  writeSafetensors(path, tensors, { a: '1', b: '2' });
  const bytes = readFileSync(path);
  writeSafetensors(path, Object.fromEntries(Object.entries(tensors).reverse()), { b: '2', a: '1' });
  assert.ok(readFileSync(path).equals(bytes));
  assert.equal(bytes.indexOf(Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)) % 4, 0);
  assert.equal(bytes.indexOf(Buffer.from(BigInt64Array.of(-7n).buffer)) % 8, 0);
});

test('a tensor that does not fill its shape is rejected', () => {
  const bad: Tensor = { dtype: 'float32', shape: [3], data: Float32Array.of(1) };
  assert.throws(() => writeSafetensors(`${path}.bad`, { bad }), /"bad".*1 elements/);
  assert.throws(() => readFileSync(`${path}.bad`), { code: 'ENOENT' });
});

test('the valid file that the malformed ones are derived from is read', () => {
  write(one({}));
  assert.deepEqual(read(), {
    tensors: { a: { dtype: 'float32', shape: [2], data: new Float32Array(2) } },
    metadata: {},
  });
});

const malformed: [name: string, header: unknown, words: string[], values?: Buffer][] = [
  ['a header that is not JSON', 'xx', ['JSON']],
  ['a list', '[]', ['JSON']],
  ['an unknown type', one({ dtype: 'F8_E4M3' }), ['"a"', 'F8_E4M3']],
  ['a missing shape', one({ shape: undefined }), ['"a"', 'malformed']],
  ['a negative size', one({ shape: [-2] }), ['"a"', 'malformed']],
  [
    'more axes than a tensor can have',
    one({ shape: [...Array<number>(65).fill(1), 2] }),
    ['"a"', 'malformed'],
  ],
  ['an impossible axis', one({ shape: [2 ** 52, 0], data_offsets: [0, 0] }), ['"a"', 'malformed']],
  ['two equal names', JSON.stringify(one({})).replace(/^{/, '{"a":null,'), ['two tensors']],
  ['a deeply nested entry', `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, ['unknown type']],
  ['a fractional size', one({ shape: [0.5] }), ['"a"', 'malformed']],
  ['an absurd shape', one({ shape: [2 ** 33, 2 ** 33] }), ['"a"', 'wrong size']],
  ['reversed offsets', one({ data_offsets: [8, 0] }), ['"a"', 'wrong size']],
  ['offsets beyond the file', one({ shape: [4], data_offsets: [0, 16] }), ['truncated', '16 bytes']],
  ['a gap', one({ shape: [1], data_offsets: [4, 8] }), ['"a"', 'gap']],
  ['extra bytes', one({ shape: [1], data_offsets: [0, 4] }), ['extra bytes']],
  ['overlap', { ...one({}), b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, ['"b"', 'overlaps']],
  ['metadata that is not text', { ...one({}), __metadata__: { epoch: 3 } }, ['metadata']],
];
for (const [name, header, words] of malformed) {
  test(`${name} is rejected`, () => {
    write(header);
    expectError('InvalidInput', [path, ...words], read);
  });
}

test('headers longer than the file and files shorter than a header are rejected', () => {
  const length = Buffer.alloc(16);
  length.writeBigUInt64LE(2n ** 63n);
  writeFileSync(path, length);
  expectError('InvalidInput', [path, 'header of'], read);
  writeFileSync(path, 'abc');
  expectError('InvalidInput', [path, 'too short'], read);
  writeSafetensors(path, tensors);
  const whole = readFileSync(path);
  for (let cut = 0; cut < whole.length; cut += 7) {
    writeFileSync(path, whole.subarray(0, cut));
    expectError('InvalidInput', [path], read);
  }
});
