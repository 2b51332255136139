import { join } from 'node:path';
import { test } from 'node:test';
import { type AttributeInput, writeH5 } from '../../../../domain/files/hdf5/h5.js';
import { encodeMask } from '../../../../domain/files/run-length.js';
import type { TypedArray } from '../../../../domain/files/tensor.js';
import { readFeatures } from '../../../../domain/pathology/layouts/features-file.js';
import { readMask, readStitch } from '../../../../domain/pathology/layouts/mask-file.js';
import { readPatches } from '../../../../domain/pathology/layouts/patches-file.js';
import { readSamInfo, readSegFile } from '../../../../domain/pathology/layouts/sam-info-file.js';
import { readSegments } from '../../../../domain/pathology/layouts/segments-file.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();

interface Dataset {
  data: TypedArray;
  shape: number[];
  attributes?: Record<string, AttributeInput>;
}

/** Content of an HDF5 file: attributes of the file under `/`. */
interface Content {
  datasets: Record<string, Dataset>;
  attributes?: Record<string, AttributeInput>;
}

function write(name: string, { datasets, attributes = {} }: Content): string {
  const path = join(folder, name);
  writeH5(path, (file) => {
    for (const [key, value] of Object.entries(attributes)) file.attribute('/', key, value);
    for (const [key, { data, shape, attributes: own }] of Object.entries(datasets)) {
      file.write(key, data, shape, own && { attributes: own });
    }
  });
  return path;
}

/** Reads the sound content, then the content after each edit, which must be refused with its words. */
function refusals(
  name: string,
  sound: () => Content,
  read: (path: string) => unknown,
  edits: readonly [words: string[], edit: (content: Content) => void][],
): void {
  read(write(name, sound()));
  for (const [words, edit] of edits) {
    const content = sound();
    edit(content);
    const path = write(name, content);
    expectError('InvalidInput', [name, ...words], () => read(path));
  }
}

const float64 = (value: number): AttributeInput => ({ dtype: 'float64', value });
const column = (data: TypedArray): Dataset => ({ data, shape: [data.length] });
const rows = (data: TypedArray, width: number): Dataset => ({ data, shape: [data.length / width, width] });

test('segments with impossible facts, areas, boxes, scores or points are refused', () => {
  const { counts } = encodeMask(Uint8Array.of(0, 1, 1, 0, 1, 1), 2, 3);
  const sound = (): Content => ({
    attributes: {
      patch_size: 256,
      start_x: 0,
      start_y: 0,
      stop_x: 30,
      stop_y: 20,
      w: 3,
      h: 2,
      vis_level: 0,
      downsample_ratio: float64(1),
    },
    datasets: {
      size: column(Int32Array.of(2, 3)),
      counts: column(counts.slice()),
      offsets: column(Int32Array.of(0, counts.length)),
      area: column(Int32Array.of(4)),
      bbox: rows(Int32Array.of(1, 0, 1, 1), 4),
      crop_box: rows(Int32Array.of(0, 0, 3, 2), 4),
      predicted_iou: column(Float64Array.of(0.9)),
      stability_score: column(Float64Array.of(0.9)),
      point_coords: rows(Float64Array.of(1, 1), 2),
      point_offsets: column(Int32Array.of(0, 1)),
    },
  });
  const set = (name: string, data: TypedArray) => (content: Content) => {
    content.datasets[name].data = data;
  };
  const say = (name: string, value: AttributeInput) => (content: Content) => {
    content.attributes = { ...content.attributes, [name]: value };
  };
  refusals('segments.h5', sound, readSegments, [
    [['area of mask 0', '4 pixels', '-5'], set('area', Int32Array.of(-5))],
    [['area of mask 0', '11'], set('area', Int32Array.of(11))],
    [['predicted IoU', 'NaN'], set('predicted_iou', Float64Array.of(NaN))],
    [['stability score', 'Infinity'], set('stability_score', Float64Array.of(Infinity))],
    [['prompt point', 'NaN'], set('point_coords', Float64Array.of(NaN, 1))],
    [['box outside', 'x -1'], set('bbox', Int32Array.of(-1, 0, 1, 1))],
    [['crop box outside', 'w 4'], set('crop_box', Int32Array.of(0, 0, 4, 2))],
    [
      ['mask 0', 'add up'],
      set(
        'counts',
        Uint32Array.from(counts, () => 2 ** 32 - 1),
      ),
    ],
    [['"counts"', 'float32'], set('counts', Float32Array.from(counts))],
    [['"size"', '2, 3', '3, 3'], set('size', Int32Array.of(3, 3))],
    [['"downsample_ratio"', 'above 0'], say('downsample_ratio', float64(0))],
    [['downsample_ratio'], say('downsample_ratio', float64(NaN))],
    [['"patch_size"', '256.5'], say('patch_size', float64(256.5))],
    [['"start_x"', '-3'], say('start_x', -3)],
    [['"stop_y"', 'above start_y'], say('stop_y', 0)],
    [['"size"', '-2, 3'], say('h', -2)],
    [['"vis_level"', '0.5'], say('vis_level', float64(0.5))],
  ]);
});

test('patches with impossible attributes or positions are refused', () => {
  const sound = (): Content => ({
    datasets: {
      coords: {
        ...rows(Int32Array.of(0, 0, 256, 512), 2),
        attributes: { patch_size: 256, patch_level: 0, level_dim: [1000, 800], downsample: [1, 1] },
      },
    },
  });
  const say = (attributes: Record<string, AttributeInput>) => (content: Content) => {
    const { coords } = content.datasets;
    coords.attributes = { ...coords.attributes, ...attributes };
  };
  const at = (x: number, y: number) => (content: Content) => {
    content.datasets.coords = { ...content.datasets.coords, data: Float64Array.of(0, 0, x, y) };
  };
  refusals('patches.h5', sound, readPatches, [
    [['"patch_size"', '1099511627776'], say({ patch_size: 2 ** 40 })],
    [['"patch_size"', '256.5'], say({ patch_size: float64(256.5) })],
    [['"patch_size"', '"256"'], say({ patch_size: '256' })],
    [['"patch_level"', '-1'], say({ patch_level: -1 })],
    [['"patch_level"', '0.5'], say({ patch_level: float64(0.5) })],
    [['"patch_level"', '1000'], say({ patch_level: 1000 })],
    [['"downsample"', '0'], say({ downsample: [0, 1] })],
    [['"level_dim"', '-5'], say({ level_dim: [1000, -5] })],
    [['"level0_width"', 'NaN'], say({ level0_width: float64(NaN) })],
    [['"patch_size_level0"', 'Infinity'], say({ patch_size_level0: float64(Infinity) })],
    [['"tissue_box"', '900'], say({ tissue_box: [900, 0, 100, 100] })],
    [['row 1', '-256, 0'], at(-256, 0)],
    [['patch 1', '-1, -1'], at(-1, -1)],
    [['patch 1', '1000 x 800', '0, 800'], at(0, 800)],
    [['whole numbers'], at(1.5, 2)],
    [['whole numbers'], at(2 ** 40, 2)],
  ]);
});

test('masks, mosaics, sam_info and features with impossible values are refused', () => {
  const mask = (): Content => ({
    datasets: {
      points: rows(Int32Array.of(0, 0, 4, 0, 4, 4), 2),
      offsets: column(Int32Array.of(0, 3)),
      parent: column(Int32Array.of(-1)),
      mask: { ...rows(Uint8Array.of(0, 1, 1, 0), 2), attributes: { seg_level: 1, downsample: [4, 4] } },
    },
  });
  const maskAttribute = (attributes: Record<string, AttributeInput>) => (content: Content) => {
    content.datasets.mask.attributes = attributes;
  };
  refusals('mask.h5', mask, readMask, [
    [['"seg_level"', '-1'], maskAttribute({ seg_level: -1 })],
    [['"downsample"', '0'], maskAttribute({ downsample: [0, 4] })],
    [['"mask"', 'float32'], ({ datasets }) => void (datasets.mask.data = Float32Array.of(0, 1, 1, 0))],
    [['row 0', '-7, 0'], ({ datasets }) => void (datasets.points.data = Int32Array.of(-7, 0, 4, 0, 4, 4))],
  ]);
  const stitch = (): Content => ({
    datasets: {
      stitch: { data: new Uint8Array(12), shape: [2, 2, 3], attributes: { downsample: [16, 16] } },
    },
  });
  refusals('stitch.h5', stitch, readStitch, [
    [['"downsample"', '-1'], ({ datasets }) => void (datasets.stitch.attributes = { downsample: [-1, 16] })],
  ]);
  const samInfo = (): Content => ({
    datasets: {
      coords: rows(Int32Array.of(0, 0, -1, -1), 2),
      is_group_feat: column(Uint8Array.of(0, 1)),
      relative_area: column(Float32Array.of(1, 0)),
    },
  });
  const half = Int32Array.of(0, 0, -1, 5);
  refusals('sam-info.h5', samInfo, readSamInfo, [
    [['row 1', '-1, 5'], ({ datasets }) => void (datasets.coords.data = half)],
    [
      ['"relative_area"', 'NaN'],
      ({ datasets }) => void (datasets.relative_area.data = Float32Array.of(NaN, 0)),
    ],
  ]);
  const segFile = (): Content => ({ datasets: { seg_0: rows(Int32Array.of(0, 0), 2) } });
  refusals('seg.h5', segFile, readSegFile, [
    [['row 0 of "seg_0"'], ({ datasets }) => void (datasets.seg_0.data = Int32Array.of(-8, 0))],
  ]);
  const features = (): Content => ({
    datasets: {
      features: rows(Float64Array.of(1, 2, 3, 4), 2),
      coords: rows(Int32Array.of(0, 0, -1, -1), 2),
    },
  });
  refusals('features.h5', features, readFeatures, [
    [['row 1', '-1, 5'], ({ datasets }) => void (datasets.coords.data = half)],
    [
      ['not finite', 'row 0, column 1'],
      ({ datasets }) => void (datasets.features.data = Float64Array.of(1, NaN, 3, 4)),
    ],
    [
      ['not finite', 'Infinity'],
      ({ datasets }) => void (datasets.features.data = Float64Array.of(1, 1e300, 3, 4)),
    ],
    [['element type', 'int32'], ({ datasets }) => void (datasets.features.data = Int32Array.of(1, 2, 3, 4))],
  ]);
});
