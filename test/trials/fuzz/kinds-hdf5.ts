import { copyFileSync, writeFileSync } from 'node:fs';
import { createH5, withH5, writeH5 } from '../../../domain/files/hdf5/h5.js';
import { encodeMask } from '../../../domain/files/run-length.js';
import { loadBag } from '../../../domain/mil/bags/bags.js';
import { openBagSource } from '../../../domain/pathology/convert/bag-source.js';
import {
  readFeatures,
  readMask,
  readPatches,
  readSamInfo,
  readSegFile,
  readStitch,
  writeFeatures,
  writeMask,
  writePatches,
  writeSamInfo,
  writeSegFile,
  writeStitch,
} from '../../../domain/pathology/layouts/bag-files.js';
import { readSegments, writeSegments } from '../../../domain/pathology/layouts/segments-file.js';
import { fixture } from '../../support/fixtures.js';
import { patchesAt } from '../../support/small-patches.js';
import type { Kind } from './kind.js';

const coords = Int32Array.from({ length: 80 }, (_, i) => 256 * i);

function writeBag(path: string): void {
  writeFeatures(
    path,
    { features: Float32Array.from({ length: 320 }, (_, i) => i / 7), dim: 8, coords },
    { patch_size: 256, patch_level: 0 },
  );
}

/** A dataset that is declared but never written. */
function declared(path: string): void {
  const file = createH5(path);
  file.reserve('features', 'float32', [800_000, 1024], { resizable: true, chunks: [64, 1024] });
  file.reserve('coords', 'int64', [800_000, 2], { resizable: true, chunks: [64, 2] });
  file.close();
}

function notFinite(path: string): void {
  writeH5(path, (file) => {
    file.write('features', Float32Array.of(1, NaN), [1, 2]);
    file.write('coords', Int32Array.of(0, 0), [1, 2]);
  });
}

function integers(path: string): void {
  writeH5(path, (file) => {
    file.write('features', Int32Array.of(1, 2), [1, 2]);
    file.write('coords', Int32Array.of(0, 0), [1, 2]);
  });
}

const wrongBags = {
  declared,
  'not-finite': notFinite,
  integers,
  text: (path: string) => writeFileSync(path, '<html>'),
};

const bag: Kind = {
  extension: 'h5',
  sound: writeBag,
  wrong: wrongBags,
  read: (path) => loadBag({ key: 'a', features: path, digest: undefined }, { groupFeatures: true }),
};

function patchesWith(attributes: Record<string, number>): (path: string) => void {
  return (path) => writeH5(path, (file) => file.write('coords', Int32Array.of(0, 0), [1, 2], { attributes }));
}

const segments: Kind = {
  extension: 'h5',
  sound: (path) => {
    const rle = encodeMask(
      Uint8Array.from({ length: 600 }, (_, i) => Number(i % 20 > 4)),
      30,
      20,
    );
    const area = rle.counts.reduce((sum, count, i) => sum + (i % 2) * count, 0);
    writeSegments(path, {
      info: {
        patchSize: 256,
        startX: 0,
        startY: 0,
        stopX: 200,
        stopY: 300,
        w: 20,
        h: 30,
        visLevel: 0,
        downsampleRatio: 10,
      },
      masks: [
        {
          rle,
          area,
          bbox: [5, 0, 14, 29],
          predictedIou: 0.9,
          pointCoords: [[7, 7]],
          stabilityScore: 0.9,
          cropBox: [0, 0, 20, 30],
        },
      ],
    });
  },
  read: readSegments,
};

/** Readers of HDF5 files. */
export const HDF5_KINDS: Readonly<Record<string, Kind>> = {
  features: { extension: 'h5', sound: writeBag, wrong: wrongBags, read: readFeatures },
  bag,
  'bag-source': {
    ...bag,
    read: (path) => {
      const { features } = openBagSource({ path, name: 'a', digest: '' });
      try {
        return features.readRows(0, features.rows);
      } finally {
        features.close();
      }
    },
  },
  trident: {
    extension: 'h5',
    sound: (path) => copyFileSync(fixture('convert', 'trident.h5'), path),
    read: bag.read,
  },
  'hdf5-latest': {
    extension: 'h5',
    sound: (path) => copyFileSync(fixture('formats', 'stored_latest.h5'), path),
    read: (path) => withH5(path, (file) => file.names('whole').map((name) => file.read(`whole/${name}`))),
  },
  patches: {
    extension: 'h5',
    sound: (path) =>
      writePatches(path, patchesAt(coords, { levelDim: [50_000, 50_000], level0Dim: [50_000, 50_000] })),
    wrong: {
      'size-2e40': patchesWith({ patch_size: 2 ** 40, patch_level: 0 }),
      'size-fraction': patchesWith({ patch_size: 256.5, patch_level: 0 }),
      'level-negative': patchesWith({ patch_size: 256, patch_level: -1 }),
      'no-size': patchesWith({ patch_level: 0 }),
    },
    read: readPatches,
  },
  segments,
  'sam-info': {
    extension: 'h5',
    sound: (path) =>
      writeSamInfo(path, {
        coords,
        isGroupFeat: new Uint8Array(40),
        relativeArea: new Float32Array(40).fill(1),
      }),
    read: readSamInfo,
  },
  'seg-file': {
    extension: 'h5',
    sound: (path) => writeSegFile(path, [{ index: 0, coords }]),
    read: readSegFile,
  },
  mask: {
    extension: 'h5',
    sound: (path) =>
      writeMask(path, {
        points: Int32Array.of(0, 0, 8, 0, 8, 8),
        offsets: Int32Array.of(0, 3),
        parent: Int32Array.of(-1),
        mask: new Uint8Array(64).fill(1),
        width: 8,
        height: 8,
        segLevel: 1,
        downsample: [4, 4],
      }),
    read: readMask,
  },
  stitch: {
    extension: 'h5',
    sound: (path) =>
      writeStitch(path, { pixels: new Uint8Array(192), width: 8, height: 8, downsample: [16, 16] }),
    read: readStitch,
  },
};
