import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identicalBags } from '../../../../domain/mil/split/identical-bags.js';

test('one slide under several names is detected by the bytes of its bag', () => {
  const record = (key: string, digest: string, status: 'done' | 'failed' = 'done') => {
    return { key, fields: {}, status, outputs: { bag: { path: key, digest: `sha256:${digest}`, bytes: 1 } } };
  };
  const items = [
    record('d', '1'),
    record('b', '2'),
    record('c', '3'),
    record('a', '1'),
    record('e', '3', 'failed'),
  ];
  assert.deepEqual(identicalBags(items), [['a', 'd']]);
});
