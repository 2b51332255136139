import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { identicalBags } from '../../../../domain/mil/split/identical-bags.js';
import { writeFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

test('one slide under several names is detected by its features, though each file names its slide', (context) => {
  const folder = temporaryFolder(context);
  const write = (key: string, values: number[]) => {
    const features = join(folder, `${key}.h5`);
    const coords = Int32Array.from(values, (_, i) => 256 * i);
    writeFeatures(features, { features: Float32Array.from(values), dim: 2, coords }, { name: key });
    return { key, features, digest: `sha256:${key}` };
  };
  const damaged = { key: 'f', features: join(folder, 'f.h5'), digest: 'sha256:f' };
  writeFileSync(damaged.features, 'no h5 file');
  const gone = { key: 'g', features: join(folder, 'g.h5'), digest: 'sha256:g' };
  const bags = [
    write('d-long-name', [1, 2, 3, 4, 5, 6]),
    write('b', [1, 2, 0, 0, 5, 6]),
    write('c', [1, 2, 3, 4]),
    write('a', [1, 2, 3, 4, 5, 6]),
    write('e', [1, 2, 3, 4]),
    ...[damaged, gone],
  ];
  const job = { signal: new AbortController().signal, progress: () => undefined };
  assert.deepEqual(identicalBags(bags, job), [
    ['a', 'd-long-name'],
    ['c', 'e'],
  ]);
  assert.deepEqual(identicalBags([], job), []);
});
