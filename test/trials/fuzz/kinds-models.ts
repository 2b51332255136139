import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { readSafetensors, writeSafetensors } from '../../../domain/files/safetensors.js';
import { tensorLayout } from '../../../domain/files/torch/torch-layout.js';
import { readPt, writePt } from '../../../domain/files/torch/torch-pt.js';
import { listExternalFiles } from '../../../domain/machine/onnx/onnx-graph.js';
import { readCheckpoint, writeCheckpoint } from '../../../domain/mil/models/checkpoint.js';
import { readRegular } from '../../../domain/regular-file.js';
import { openPtRows } from '../../../domain/pathology/layouts/feature-rows.js';
import { readSegmentsPickle } from '../../../domain/pathology/layouts/segments-file.js';
import { fixture } from '../../support/fixtures.js';
import { writeTinyEncoder } from '../../support/tiny-encoder.js';
import type { Kind } from './kind.js';

const data = Float32Array.from({ length: 60 }, (_, i) => i / 7);

/** A pickle of protocol 2 that ends. */
function pickle(program: string): (path: string) => void {
  return (path) => writeFileSync(path, Buffer.from(`\x80\x02${program}.`, 'latin1'));
}

function safetensors(header: string, values = Buffer.alloc(8)): (path: string) => void {
  return (path) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([length, Buffer.from(header), values]));
  };
}

const ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';

const wrongSafetensors = {
  axes: safetensors(`{"a":{"dtype":"F32","shape":[${'1,'.repeat(1e5)}2],"data_offsets":[0,8]}}`),
  twice: safetensors(`{"a":${ENTRY},"a":${ENTRY}}`),
  deep: safetensors(`{"a":${'['.repeat(2e5)}${']'.repeat(2e5)}}`),
  gap: safetensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'),
  'zero-axis': safetensors(
    `{"a":{"dtype":"F32","shape":[0,${2 ** 52}],"data_offsets":[0,0]}}`,
    Buffer.alloc(0),
  ),
};

/** Programs that a reader of pickles must not run, expand or wait for. */
const wrongPickles = {
  call: pickle("cposix\nsystem\n(S'true'\ntR"),
  nested: pickle(`)${'\x85'.repeat(300_000)}`),
  lists: pickle(`${']'.repeat(150_000)}${'a'.repeat(149_999)}`),
  marks: pickle('('.repeat(20_000)),
  twice: pickle(`)${'2'.repeat(2_100_000)}`),
  itself: pickle(']q\x00h\x00a'),
  digits: pickle(`L${'9'.repeat(1_000_000)}L\n`),
  claim: pickle('B\xff\xff\xff\xffx'),
  empty: (path: string) => writeFileSync(path, ''),
};

function writeModel(path: string): void {
  writeCheckpoint(
    path,
    {
      config: {
        model: 'abmil',
        dim: 8,
        outputs: 2,
        endpoint: 'classification',
        embedDim: 4,
        attentionDim: 2,
        dropout: 0.25,
        options: {},
      },
      target: { endpoint: 'classification', classes: ['a', 'b'] },
      groupFeatures: true,
      weights: { w: data },
      training: { seed: 1 },
    },
    [{ name: 'w', shape: [60], init: 'zeros' }],
  );
}

/** A zip whose entry is compressed: a small file could become a large one. */
function deflated(path: string): void {
  const name = Buffer.from('archive/data.pkl');
  const packed = deflateRawSync(Buffer.alloc(1 << 20));
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt32LE(1 << 20, 24);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + packed.length, 16);
  writeFileSync(path, Buffer.concat([local, name, packed, central, name, end]));
}

/** Readers of checkpoints, tensors and pickles. */
export const MODEL_KINDS: Readonly<Record<string, Kind>> = {
  pt: {
    extension: 'pt',
    sound: (path) => writePt(path, { tensors: { a: { dtype: 'float32', shape: [6, 10], data } } }),
    wrong: { ...wrongPickles, deflated },
    read: readPt,
  },
  'pt-rows': {
    extension: 'pt',
    sound: (path) => writePt(path, { tensor: { dtype: 'float32', shape: [6, 10], data } }),
    read: (path) => {
      const rows = openPtRows(path);
      try {
        return rows.readRows(0, rows.rows);
      } finally {
        rows.close();
      }
    },
  },
  'torch-zip': {
    extension: 'pt',
    sound: (path) => copyFileSync(fixture('formats', 'torch_zip.pt'), path),
    read: readPt,
  },
  'torch-legacy': {
    extension: 'pth',
    sound: (path) => copyFileSync(fixture('formats', 'torch_legacy.pt'), path),
    read: readPt,
  },
  'tensor-layout': {
    extension: 'pth',
    sound: (path) => copyFileSync(fixture('formats', 'torch_legacy.pt'), path),
    wrong: wrongSafetensors,
    read: (path) => [...tensorLayout(path)],
  },
  safetensors: {
    extension: 'safetensors',
    sound: (path) => writeSafetensors(path, { a: { dtype: 'float32', shape: [6, 10], data } }, { note: 'x' }),
    wrong: wrongSafetensors,
    read: readSafetensors,
  },
  checkpoint: { extension: 'safetensors', sound: writeModel, wrong: wrongSafetensors, read: readCheckpoint },
  'checkpoint-pt': { extension: 'pt', sound: writeModel, wrong: wrongPickles, read: readCheckpoint },
  'segments-pickle': {
    extension: 'pkl',
    sound: (path) => copyFileSync(fixture('formats', 'sam_protocol4.pkl'), path),
    wrong: wrongPickles,
    read: readSegmentsPickle,
  },
  onnx: {
    extension: 'onnx',
    sound: (path) => {
      writeTinyEncoder(dirname(path));
      renameSync(join(dirname(path), 'tiny.onnx'), path);
    },
    read: (path) => listExternalFiles(readRegular(path, { bytes: 1 << 30, next: '' }), path),
  },
};
