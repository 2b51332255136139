import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { digestOf } from '../../../domain/digest.js';
import {
  createFeatures,
  writeFeatures,
  writeMask,
  writePatches,
  writeSamInfo,
  writeSegFile,
  writeStitch,
} from '../../../domain/pathology/layouts/bag-files.js';
import { encodeMask } from '../../../domain/files/run-length.js';
import { writeSegments, writeSegmentsPickle } from '../../../domain/pathology/layouts/segments-file.js';
import { writeSafetensors } from '../../../domain/files/safetensors.js';
import { writePt } from '../../../domain/files/torch/torch-pt.js';
import { fixture } from '../../support/fixtures.js';
import { findPython } from '../../support/python.js';
import { scratchFolder } from '../../support/scratch-folder.js';
import { patchesAt } from '../../support/small-patches.js';

/*
 * One file of every kind that sam-mil writes. Python libraries read them (if they are installed), and the
 * bytes must equal those that Python has read before, so that a layout change is detected on every machine.
 * After such a change, run this test with Python, then update the list with SAM_MIL_WRITE_GOLDEN=1.
 */
const folder = scratchFolder();
const golden = fixture('formats', 'written.sha256.json');

const rows = 3;
const features = Float32Array.of(0.5, -1, 2, 3, 1e-30, 5);
const coords = Int32Array.of(0, 0, 256, 512, -1, -1);

before(() => {
  const at = (name: string): string => join(folder, name);
  const patches = patchesAt(coords.subarray(0, 4), { name: 'slide ä', savePath: 'out/patches' });
  writePatches(at('patches.h5'), patches);
  writePatches(at('no-patches.h5'), { ...patches, coords: new Int32Array(0) });
  writeFeatures(at('features.h5'), { features, dim: 2, coords }, { patch_size: 256 });
  const grown = createFeatures(at('grown.h5'), 2);
  grown.append(features.subarray(0, 2), coords.subarray(0, 2));
  grown.append(features.subarray(2), coords.subarray(2));
  grown.close();
  writeSegFile(at('seg.h5'), [{ index: 4, coords: coords.subarray(0, 4) }]);
  writeSamInfo(at('sam-info.h5'), {
    coords,
    isGroupFeat: Uint8Array.of(0, 0, 1),
    relativeArea: Float32Array.of(1, 90, 0),
  });
  writeMask(at('mask.h5'), {
    points: Int32Array.of(0, 0, 9, 0, 9, 9, 3, 3, 4, 4),
    offsets: Int32Array.of(0, 3, 5),
    parent: Int32Array.of(-1, 0),
    mask: Uint8Array.of(0, 255, 255, 0, 0, 255),
    width: 3,
    height: 2,
    segLevel: 1,
    downsample: [4, 4.0006],
  });
  writeStitch(at('stitch.h5'), {
    pixels: Uint8Array.from({ length: 18 }, (_, i) => i),
    width: 3,
    height: 2,
    downsample: [32, 32],
  });
  writeSegmentFiles(at);
  const tensor = { dtype: 'float32' as const, shape: [rows, 2], data: features };
  writePt(at('features.pt'), { tensor });
  writePt(at('state.pt'), {
    tensors: {
      'a.weight': tensor,
      half: { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
      brain: { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0x3fc0) },
      counts: { dtype: 'int64', shape: [], data: BigInt64Array.of(-(2n ** 40n)) },
      flags: { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) },
      none: { dtype: 'float64', shape: [0, 3], data: new Float64Array(0) },
    },
  });
  writeSafetensors(at('state.safetensors'), { 'a.weight': tensor }, { model: 'abmil' });
});

function writeSegmentFiles(at: (name: string) => string): void {
  const [h, w] = [3, 4];
  const pixels = Uint8Array.of(0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0);
  const segments = {
    info: {
      patchSize: 256,
      startX: 5,
      startY: 6,
      stopX: 37,
      stopY: 30,
      w,
      h,
      visLevel: 1,
      downsampleRatio: 2,
    },
    masks: [
      {
        rle: encodeMask(pixels, h, w),
        area: 5,
        bbox: [1, 0, 1, 2] as [number, number, number, number],
        predictedIou: 0.9,
        pointCoords: [[1.5, 0.5]] as [number, number][],
        stabilityScore: 0.95,
        cropBox: [0, 0, w, h] as [number, number, number, number],
      },
    ],
  };
  writeSegments(at('segments.h5'), segments);
  writeSegmentsPickle(at('segments.pkl'), segments);
}

test('bytes equal those that Python has read', async () => {
  const found = Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, digestOf(readFileSync(join(folder, name)))]),
  );
  if (process.env.SAM_MIL_WRITE_GOLDEN === '1') {
    const { writeAtomic } = await import('../../../domain/files/atomic.js');
    writeAtomic(golden, `${JSON.stringify(found, null, 2)}\n`);
  }
  assert.deepEqual(found, JSON.parse(readFileSync(golden, 'utf8')));
});

describe('h5py reads', () => {
  const python = findPython(['h5py', 'numpy']);
  const read = (program: string): void => {
    const lines = ['import sys, os, h5py, numpy as np', 'os.chdir(sys.argv[1])', program];
    python.run(lines.join('\n'), folder);
  };

  test('patches', { skip: python.skip }, () => {
    read(`
with h5py.File('patches.h5', 'r') as f:
    c = f['coords']
    assert c.dtype == np.int64 and c[:].tolist() == [[0, 0], [256, 512]] and c.maxshape == (None, 2)
    a = dict(c.attrs)
    assert a['patch_size'] == 256 and a['patch_size'].dtype == np.int64 and a['patch_level'] == 0
    assert a['downsample'].dtype == np.float64 and a['downsample'].tolist() == [1, 1]
    assert a['level_dim'].dtype == np.int64 and a['level_dim'].tolist() == [2220, 2967]
    assert a['downsampled_level_dim'].tolist() == [2220, 2967]
    assert a['name'] == 'slide ä' and a['save_path'] == 'out/patches' and len(a) == 7
with h5py.File('no-patches.h5', 'r') as f:
    assert f['coords'].shape == (0, 2)`);
  });

  test('features, written at once and appended', { skip: python.skip }, () => {
    read(`
for name in ['features.h5', 'grown.h5']:
    with h5py.File(name, 'r') as f:
        assert f['features'].dtype == np.float32 and f['features'].shape == (3, 2)
        assert (f['features'][:] == np.array([[0.5, -1], [2, 3], [1e-30, 5]], 'f4')).all()
        assert f['coords'].dtype == np.int64 and f['coords'][:].tolist() == [[0, 0], [256, 512], [-1, -1]]
with h5py.File('features.h5', 'r') as f:
    assert f['coords'].attrs['patch_size'] == 256
with h5py.File('grown.h5', 'a') as f:
    f['features'].resize(4, axis=0)`);
  });

  test('seg files and sam_info', { skip: python.skip }, () => {
    read(`
with h5py.File('seg.h5', 'r') as f:
    assert list(f) == ['seg_4'] and f['seg_4'][:].tolist() == [[0, 0], [256, 512]] and f['seg_4'].attrs['seg_index'] == 4
with h5py.File('sam-info.h5', 'r') as f:
    assert f['is_group_feat'][:].tolist() == [0, 0, 1] and f['relative_area'][:].tolist() == [1, 90, 0]
    assert f['coords'][:].tolist() == [[0, 0], [256, 512], [-1, -1]]`);
  });

  test('masks, stitches, segments', { skip: python.skip }, () => {
    read(`
with h5py.File('mask.h5', 'r') as f:
    assert f['points'].dtype == np.int32 and f['points'][:].tolist() == [[0, 0], [9, 0], [9, 9], [3, 3], [4, 4]]
    assert f['offsets'].dtype == np.int64 and f['offsets'][:].tolist() == [0, 3, 5] and f['parent'][:].tolist() == [-1, 0]
    assert f['mask'].dtype == np.uint8 and f['mask'][:].tolist() == [[0, 255, 255], [0, 0, 255]]
    assert f['mask'].attrs['seg_level'] == 1 and f['mask'].attrs['downsample'].tolist() == [4, 4.0006]
with h5py.File('stitch.h5', 'r') as f:
    assert (f['stitch'][:] == np.arange(18, dtype='u1').reshape(2, 3, 3)).all()
with h5py.File('segments.h5', 'r') as f:
    assert f.attrs['start_x'] == 5 and f.attrs['downsample_ratio'] == 2.0 and f['size'][:].tolist() == [3, 4]
    h, w = f['size'][:]
    o, counts = f['offsets'][:], f['counts'][:]
    runs = counts[o[0]:o[1]]
    mask = np.repeat(np.arange(len(runs)) % 2, runs).reshape(w, h).T
    assert mask.tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]] and f['area'][0] == 5`);
  });
});

describe("Python's pickle", () => {
  const python = findPython(['numpy']);

  test('reads the segments', { skip: python.skip }, () => {
    python.run(
      `
import pickle, sys, numpy as np
with open(sys.argv[1], 'rb') as f:
    info, mask = pickle.load(f)
assert info == dict(patch_size=256, start_x=5, start_y=6, stop_x=37, stop_y=30, w=4, h=3, vis_level=1, downsample_ratio=2)
assert all(type(v) is int for v in info.values())
s = mask.pop('segmentation')
assert s.dtype == np.bool_ and s.tolist() == [[False, True, True, False], [False, True, True, False], [False, False, True, False]]
assert s.flags.c_contiguous and s.copy().sum() == 5
assert mask == dict(area=5, bbox=[1, 0, 1, 2], predicted_iou=0.9, point_coords=[[1.5, 0.5]], stability_score=0.95, crop_box=[0, 0, 4, 3])`,
      join(folder, 'segments.pkl'),
    );
  });
});

describe('torch reads', () => {
  const python = findPython(['torch']);

  test('written files with weights_only', { skip: python.skip }, () => {
    python.run(
      `
import sys, os, torch
os.chdir(sys.argv[1])
t = torch.load('features.pt', weights_only=True)
assert t.dtype == torch.float32 and torch.equal(t, torch.tensor([[0.5, -1], [2, 3], [1e-30, 5]])) and t.is_contiguous()
m = torch.load('features.pt', weights_only=True, mmap=True)
assert torch.equal(m, t)
s = torch.load('state.pt', weights_only=True)
assert list(s) == ['a.weight', 'half', 'brain', 'counts', 'flags', 'none'] and torch.equal(s['a.weight'], t)
assert s['half'].dtype == torch.float16 and s['half'].tolist() == [1, -2]
assert s['brain'].dtype == torch.bfloat16 and s['brain'].tolist() == [1.5]
assert s['counts'].dtype == torch.int64 and s['counts'].item() == -2**40 and s['counts'].shape == ()
assert s['flags'].dtype == torch.bool and s['flags'].tolist() == [True, False]
assert s['none'].dtype == torch.float64 and s['none'].shape == (0, 3)`,
      folder,
    );
  });
});

describe('safetensors reads', () => {
  const python = findPython(['safetensors', 'numpy']);

  test('written files', { skip: python.skip }, () => {
    python.run(
      `
import sys
from safetensors import safe_open
with safe_open(sys.argv[1], 'np') as f:
    assert f.metadata() == {'model': 'abmil'} and f.get_tensor('a.weight').shape == (3, 2)`,
      join(folder, 'state.safetensors'),
    );
  });
});
