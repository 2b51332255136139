import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseGpus, visibleGpus } from '../../../../domain/machine/gpu/choose-gpus.js';
import type { Gpu } from '../../../../domain/machine/gpu/gpu.js';
import { expectError } from '../../../support/expect-error.js';
import { UUIDS } from '../../../support/nvidia-smi.js';

const four: Gpu[] = UUIDS.map((uuid, index) => ({ index: String(index), uuid, name: 'H100' }));
const divided: Gpu[] = [
  { index: '0:0', uuid: 'MIG-aaaa', parent: UUIDS[0], name: 'H100 MIG' },
  { index: '0:1', uuid: 'MIG-abbb', parent: UUIDS[0], name: 'H100 MIG' },
  four[1],
];

const CASES: [setting: string | undefined, gpus: Gpu[], visible: string[]][] = [
  [undefined, four, ['0', '1', '2', '3']],
  ['2,0', four, ['2', '0']],
  [' 1 , 1,3', four, ['1', '3']],
  ['', four, []],
  ['-1', four, []],
  ['NoDevFiles', four, []],
  ['1,-1,2', four, ['1']],
  ['1,9,2', four, ['1']],
  [`${UUIDS[3]},GPU-1111`, four, ['3', '0']],
  ['GPU-', four, []],
  ['MIG-aaaa', divided, ['0:0']],
  ['MIG-a', divided, []],
  ['MIG-ab,1', divided, ['0:1', '1']],
  ['0', divided, ['0:0']],
  [UUIDS[0], divided, ['0:0']],
  ['0', [], []],
];

for (const [setting, gpus, visible] of CASES) {
  test(`CUDA_VISIBLE_DEVICES ${setting === undefined ? 'unset' : `"${setting}"`} of ${gpus.length} GPUs shows ${visible.join(', ') || 'none'}`, () => {
    const found = visibleGpus(gpus, { CUDA_VISIBLE_DEVICES: setting });
    assert.deepEqual(
      found.map(({ index }) => index),
      visible,
    );
  });
}

test('chosen GPUs keep the order of the choice, are counted once, and may be named by index, UUID or its start', () => {
  const choose = (choice: string[], gpus = four) =>
    chooseGpus({ gpus }, choice, {}).map(({ index }) => index);
  assert.deepEqual(choose(['3', '0']), ['3', '0']);
  assert.deepEqual(choose(['1', UUIDS[1], 'GPU-222']), ['1']);
  assert.deepEqual(choose(['0'], divided), ['0:0', '0:1']);
  assert.deepEqual(choose(['0:1', '1'], divided), ['0:1', '1']);
});

test('all GPUs are those that are visible; SAM_MIL_GPU=0 leaves them alone unless they are named', () => {
  const list = { gpus: four };
  assert.deepEqual(chooseGpus(list, 'all', { CUDA_VISIBLE_DEVICES: '2' }), [four[2]]);
  assert.deepEqual(chooseGpus({ gpus: [] }, 'all', {}), []);
  assert.deepEqual(chooseGpus(list, 'all', { SAM_MIL_GPU: '0' }), []);
  assert.deepEqual(chooseGpus(list, ['1'], { SAM_MIL_GPU: '0' }), [four[1]]);
});

test('a GPU that does not exist or is hidden is refused with those that can be used', () => {
  expectError('InvalidInput', ['no GPU 7', '0 (H100), 1 (H100)'], () =>
    chooseGpus({ gpus: four }, ['0', '7'], {}),
  );
  expectError('InvalidInput', ['no GPU 0', 'none', 'driver is missing'], () =>
    chooseGpus({ gpus: [], problem: 'the driver is missing' }, ['0'], {}),
  );
  expectError('InvalidInput', ['GPU 0 is hidden', 'CUDA_VISIBLE_DEVICES=1', '1 (H100)'], () =>
    chooseGpus({ gpus: four }, ['0'], { CUDA_VISIBLE_DEVICES: '1' }),
  );
});
