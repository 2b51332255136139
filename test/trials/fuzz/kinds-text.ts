import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadPipeline } from '../../../domain/engine/language/load-pipeline.js';
import { renderProblems } from '../../../domain/engine/language/problems/render-problems.js';
import { readItems } from '../../../domain/engine/store/items.js';
import { readCsv } from '../../../domain/files/csv.js';
import { readMetricsFile } from '../../../domain/mil/evaluate/read-metrics-file.js';
import { readPredictions } from '../../../domain/mil/evaluate/predictions-file.js';
import { readGivenSplits } from '../../../domain/mil/split/given-splits.js';
import { readSplits } from '../../../domain/mil/split/splits.js';
import { readAnnotation } from '../../../domain/pathology/annotations/read-annotation.js';
import { RegionIndex } from '../../../domain/pathology/annotations/region-index.js';
import { parseEncoderFile } from '../../../domain/pathology/extract/encoders/encoder-file-keys.js';
import { findProcessRow } from '../../../domain/pathology/patch/process-list.js';
import { checked, presetParameters } from '../../../domain/pathology/patch/tissue/parameters.js';
import { readSegmenterFile } from '../../../domain/pathology/segment/segmenter/segmenter-file.js';
import { checkout } from '../../support/fixtures.js';
import { writeSmallEvaluation } from '../../support/small-evaluation.js';
import { TEST_CATALOG } from '../../support/test-catalog.js';
import type { Kind } from './kind.js';

export const text = (content: string) => (path: string) => writeFileSync(path, content);
export const json = (value: unknown) => text(JSON.stringify(value));

export const wrongTables = {
  empty: text(''),
  nul: text('slide_id,label\na\0b,1,2\n'),
  utf16: (path: string) => writeFileSync(path, Buffer.from('\ufeffslide_id,label\na,1\n', 'utf16le')),
  quote: text(`slide_id,label\n"${'a'.repeat(1_000_000)}`),
  semicolons: text('slide_id;label\na;1\n'),
};

const splits = {
  splits: 1,
  scheme: 'file',
  seed: 1,
  endpoint: 'classification',
  classes: ['a', 'b'],
  labels: { s0: 0, s1: 1, s2: 0, s3: 1 },
  repeats: [{ repeat: 0, seed: 1, folds: [{ fold: 0, train: ['s0', 's1'], val: ['s2'], test: ['s3'] }] }],
};

const [{ folds }] = splits.repeats;

/** Writes one of the files of an evaluation. */
function evaluation(name: 'metrics' | 'predictions'): (path: string) => void {
  return (path) => {
    const folder = dirname(path);
    copyFileSync(join(folder, writeSmallEvaluation(folder)[name].to), path);
  };
}

function outline(points: readonly (readonly [string | number, string | number])[]): (path: string) => void {
  const coordinates = points.map(([x, y], i) => `<Coordinate Order="${i}" X="${x}" Y="${y}"/>`);
  return text(
    `<ASAP_Annotations><Annotations><Annotation Name="a" Type="Polygon"><Coordinates>${coordinates.join('\n')}</Coordinates></Annotation></Annotations></ASAP_Annotations>`,
  );
}

const square = [
  [10, 10],
  [900, 10],
  [900, 700],
  [10, 700],
] as const;

function readRegions(path: string): number {
  return new RegionIndex(readAnnotation(path, [0, 0]).regions).coveredShare(0, 0, 512);
}

function pipeline(content: string): (path: string) => void {
  return text(`pipeline: 1\nname: x\n${content}`);
}

/** Problems are what the reader of a pipeline returns, so nothing is refused. */
function readPipelineText(path: string): string {
  const content = readFileSync(path, 'utf8');
  const { problems } = loadPipeline(content, { file: path, cwd: dirname(path), catalog: TEST_CATALOG });
  return renderProblems(problems, content, path);
}

/** Readers of tables, JSON, XML and YAML. */
export const TEXT_KINDS: Readonly<Record<string, Kind>> = {
  csv: {
    extension: 'csv',
    sound: text('slide_id,path,label\na,a.svs,1\n"b, c",b.svs,0\n'),
    wrong: wrongTables,
    read: (path) => readCsv(path),
  },
  'csv-gz': {
    extension: 'csv.gz',
    sound: (path) => writeFileSync(path, gzipSync('slide_id,label\na,1\nb,0\n')),
    wrong: {
      'large-unpacked': (path) => writeFileSync(path, gzipSync(Buffer.alloc(257 << 20, 'a,1\n'))),
      garbage: text('not gzip'),
    },
    read: (path) => readCsv(path),
  },
  'process-list': {
    extension: 'csv',
    sound: text('slide_id,process,status,seg_level,sthresh,keep_ids\na.svs,1,tbp,-1,8,none\n'),
    wrong: {
      ...wrongTables,
      process: text('slide_id,process\na.svs,no\n'),
      level: text('slide_id,seg_level\na.svs,0.5\n'),
    },
    read: (path) => {
      const row = findProcessRow(path, 'a.svs');
      return checked({ ...presetParameters('default'), ...row?.parameters });
    },
  },
  preset: {
    extension: 'csv',
    sound: text('seg_level,sthresh,mthresh,close,use_otsu,a_t,a_h,max_n_holes\n-1,8,7,4,FALSE,100,16,8\n'),
    wrong: { 'two-rows': text('sthresh\n8\n9\n'), word: text('sthresh\nmany\n') },
    read: (path) => presetParameters(path),
  },
  predictions: {
    extension: 'csv',
    sound: evaluation('predictions'),
    wrong: {
      'above-one': text('slide_id,label,prob_a,prob_b,called\ns,a,-1,2,a\n'),
      'no-sum': text('slide_id,label,prob_a,prob_b,called\ns,a,0.5,0.9,a\n'),
    },
    read: (path) => readPredictions(path, ['a', 'b']),
  },
  metrics: {
    extension: 'json',
    sound: evaluation('metrics'),
    wrong: { null: text('null'), empty: text('{}'), 'other-version': json({ metrics: 2, protocols: {} }) },
    read: readMetricsFile,
  },
  splits: {
    extension: 'json',
    sound: json(splits),
    wrong: {
      null: text('null'),
      leak: json({ ...splits, repeats: [{ ...splits.repeats[0], folds: [{ ...folds[0], test: ['s0'] }] }] }),
      'equal-classes': json({ ...splits, classes: ['a', 'a'] }),
      'no-repeats': json({ ...splits, repeats: [] }),
      'no-folds': json({ ...splits, repeats: [{ repeat: 0, seed: 1, folds: [] }] }),
      'label-fraction': json({ ...splits, labels: { ...splits.labels, s0: 0.5 } }),
      'label-unknown': json({ ...splits, labels: { ...splits.labels, s0: 7 } }),
      'list-of-numbers': json({
        ...splits,
        repeats: [{ ...splits.repeats[0], folds: [{ ...folds[0], val: [1] }] }],
      }),
      deep: text('['.repeat(300_000)),
    },
    read: readSplits,
  },
  'given-splits': {
    extension: 'json',
    sound: json({ repeats: splits.repeats }),
    wrong: {
      'unknown-key': json({ repeats: [{ folds: [{ train: ['a'], valid: ['b'], test: ['c'] }] }] }),
      'no-folds': json({ repeats: [{ folds: [] }] }),
    },
    read: (path) => readGivenSplits(path, 1),
  },
  'given-splits-csv': {
    extension: 'csv',
    sound: text('repeat,fold,set,slide_id\n0,0,train,a\n0,0,test,b\n'),
    wrong: { negative: text('fold,set,slide_id\n-1,test,a\n'), set: text('fold,set,slide_id\n0,tset,a\n') },
    read: (path) => readGivenSplits(path, 1),
  },
  items: {
    extension: 'jsonl',
    sound: text('{"key":"a","fields":{"label":"1"},"status":"done","outputs":{"bag":{"path":"./a.h5"}}}\n'),
    wrong: { null: text('null\n'), 'other-status': text('{"key":"a","status":"fine"}\n') },
    read: readItems,
  },
  asap: {
    extension: 'xml',
    sound: outline(square),
    wrong: {
      'far-away': outline([...square, ['1e308', '-1e308']]),
      infinite: outline([...square, ['1e999', '0']]),
      hexadecimal: outline([...square, ['0x10', '0']]),
      'one-place': outline([square[0], square[0], square[0]]),
      spaces: text(`<ASAP_Annotations${' '.repeat(300_000)}x`),
      attributes: text(`<ASAP_Annotations ${'a="1" '.repeat(300_000)}<`),
      'open-tags': text(`<ASAP_Annotations>${'<a>'.repeat(300_000)}`),
      comments: text('<!--'.repeat(300_000)),
      angles: text('<'.repeat(1_000_000)),
    },
    read: readRegions,
  },
  geojson: {
    extension: 'geojson',
    sound: json({ type: 'Polygon', coordinates: [[...square, square[0]]] }),
    wrong: {
      infinite: text('{"type":"Polygon","coordinates":[[[1e999,1],[1,1],[0,0]]]}'),
      'far-away': json({
        type: 'Polygon',
        coordinates: [
          [
            [2 ** 40, 0],
            [0, 1],
            [1, 1],
          ],
        ],
      }),
      'two-points': json({
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [1, 1],
            [0, 0],
          ],
        ],
      }),
      'no-geometry': json({ type: 'Feature' }),
      'no-area': json({ type: 'Feature', geometry: { type: 'Point', coordinates: [1, 1] } }),
      deep: text('['.repeat(300_000)),
    },
    read: readRegions,
  },
  encoder: {
    extension: 'yaml',
    sound: text('name: e\nonnx: e.onnx\nsize: 224\nmean: [0.5, 0.5, 0.5]\nstd: [0.5, 0.5, 0.5]\ndim: 8\n'),
    wrong: {
      aliases: text('a: &a [x,x,x]\nname: *a\n'),
      deep: text(`name: ${'['.repeat(20_000)}`),
      size: text('name: e\nonnx: e.onnx\nsize: 0\nmean: [0, 0, 0]\nstd: [1, 1, 1]\ndim: 8\n'),
      'not-a-number': text('name: e\nonnx: e.onnx\nsize: 8\nmean: [.nan, 0, 0]\nstd: [1, 1, 1]\ndim: 8\n'),
      large: text(`name: ${'a'.repeat(2 << 20)}\n`),
    },
    read: parseEncoderFile,
  },
  segmenter: {
    extension: 'yaml',
    sound: text('name: s\narchitecture: sam\nweights: s.pth\n'),
    wrong: { heads: text('name: s\narchitecture: sam\nweights: s.pth\ndecoder-heads: 0.5\n') },
    read: readSegmenterFile,
  },
  pipeline: {
    extension: 'yaml',
    sound: (path) => copyFileSync(join(checkout, 'pipelines', 'quickstart.yaml'), path),
    read: readPipelineText,
  },
  'pipeline-hostile': {
    extension: 'yaml',
    sound: pipeline(
      `stages:\n${Array.from({ length: 300 }, (_, i) => `  s${i}: {uses: nothing}\n`).join('')}`,
    ),
    read: readPipelineText,
  },
};
