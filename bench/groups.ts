/**
 * Our side of the group contest: members of every mask, relative areas and group features. Prints pairs of
 * patch and mask per second, or with `memory` the peak of the process in MB. Arguments: patches, masks,
 * length of a feature vector, passes, `speed` or `memory`.
 */
import { GroupMeans } from '../domain/pathology/features/group-features.js';
import { groupPatches } from '../domain/pathology/features/groups.js';
import { groupScene } from './group-scene.js';

const [patches, masks, dim, passes] = process.argv.slice(2, 6).map(Number);
const what = process.argv[6];

/** Features arrive in blocks, as extraction streams them. A whole bag is never in memory. */
const BLOCK = 1000;
const features = Float32Array.from({ length: BLOCK * dim }, (_, i) => i % 7);

const scene = groupScene(patches, masks);
let memberships = 0;
let groups = 0;
const start = performance.now();
for (let pass = 0; pass < passes; pass++) {
  const { members } = groupPatches(scene.coords, scene.frame, scene.masks);
  const means = new GroupMeans(members, patches, dim);
  for (let row = 0; row < patches; row += BLOCK) {
    means.add(row, features.subarray(0, Math.min(BLOCK, patches - row) * dim));
  }
  means.finish();
  memberships = members.reduce((sum, rows) => sum + rows.length, 0);
  groups = means.count;
}
const pairs = (passes * patches * masks) / ((performance.now() - start) / 1000);
const peak = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ value: what === 'memory' ? peak : pairs, memberships, groups }));
