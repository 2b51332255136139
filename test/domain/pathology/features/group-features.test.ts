import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GroupMeans } from '../../../../domain/pathology/features/group-features.js';
import { groupPatches } from '../../../../domain/pathology/features/groups.js';
import { fixture } from '../../../support/fixtures.js';
import { groupCase, groupCaseNames } from '../../../support/group-case.js';
import { readFloatNpy } from '../../../support/npy.js';

for (const name of groupCaseNames()) {
  test(`group features of ${name} are the means of their members`, () => {
    const one = groupCase(name);
    const { members } = groupPatches(one.flatCoords, one.frame, one.groupMasks);
    const features = readFloatNpy(fixture(`groups/${name}.features.npy`));
    const expected = readFloatNpy(fixture(`groups/${name}.group_features.npy`));
    assert.deepEqual(features.shape, [one.coords.length, one.dim]);
    const rows = inBlocks(members, features.data, one.dim, 37);
    assert.deepEqual(rows.masks, one.expected.group_mask_indices);
    assert.equal(rows.features.length, expected.data.length);
    rows.features.forEach((value, i) => assert.ok(Math.abs(value - expected.data[i]) < 1e-5, `${i}`));
    assert.deepEqual(
      inBlocks(members, features.data, one.dim, one.coords.length),
      rows,
      'blocks do not matter',
    );
  });
}

function inBlocks(members: Int32Array[], features: Float32Array, dim: number, block: number) {
  const rows = features.length / dim;
  const means = new GroupMeans(members, rows, dim);
  for (let start = 0; start < rows; start += block) {
    means.add(start, features.subarray(start * dim, Math.min(rows, start + block) * dim));
  }
  return means.finish();
}
