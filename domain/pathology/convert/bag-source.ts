import { SamMilError } from '../../errors.js';
import { noInstance } from '../layouts/feature-matrix.js';
import { type FeatureRows, openFeatureRows } from '../layouts/feature-rows.js';
import { FeaturesReader } from '../layouts/features-file.js';
import { type AttributeValue, withH5 } from '../../files/hdf5/h5.js';
import { checkPatchAttributes } from '../layouts/patch-attributes.js';
import { level0DimOf, readCoords } from '../layouts/patches-file.js';
import { readTridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile } from '../../job.js';
import type { Level0Px } from '../../units.js';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Features that exist, with what their files say about them. Close it. */
export interface BagSource {
  features: FeatureRows;
  /** rows x 2 in level-0 pixels; -1, -1 for group rows. */
  coords: Int32Array;
  /** The file that the coords are from. */
  coordsFile: string;
  /** Where both files have attributes of `coords`, those of the coords file stand over the features'. */
  attributes: Attributes;
  /** `encoder`, `encoder_version`, ... as far as the file tells. */
  encoder: Record<string, string | number>;
  /** Whose file it looks like. */
  kind: 'clam' | 'trident' | 'sam-mil' | 'pt';
}

/**
 * Opens features of CLAM, TRIDENT, SAM-MIL or this project (h5), or a bare torch tensor, with the coords of their patches.
 * @throws SamMilError CountMismatch with both numbers where features and coords differ in length; InvalidInput where there are no coords, where two files
 *   have different ones, or where a position is impossible; as the readers
 */
export function openBagSource(file: InputFile, coordsFile?: InputFile): BagSource {
  const features = openFeatureRows(file.path);
  try {
    return sourceOf(features, file, coordsFile);
  } catch (error) {
    features.close();
    throw error;
  }
}

function sourceOf(features: FeatureRows, file: InputFile, coordsFile?: InputFile): BagSource {
  const reader = features instanceof FeaturesReader ? features : undefined;
  const own = reader?.hasCoords ? reader.coords() : undefined;
  const given = coordsFile && readCoordsFile(coordsFile.path);
  if (given) checkPair(features, file.path, own, given.coords, coordsFile.path);
  const coords = given?.coords ?? own;
  if (coords === undefined) throw noCoords(file.path);
  if (features.rows === 0) throw noInstance(file.path, 0);
  const attributes = { ...reader?.coordsAttributes(), ...given?.attributes };
  const place = given ? coordsFile.path : file.path;
  checkPatchAttributes(attributes, place);
  checkPositions(coords, place, level0DimOf(attributes));
  return {
    features,
    coords,
    coordsFile: place,
    attributes,
    encoder: encoderOf(reader),
    kind: kindOf(reader, attributes, coords),
  };
}

function readCoordsFile(path: string): { coords: Int32Array; attributes: Attributes } {
  return withH5(path, (file) => ({ coords: readCoords(file), attributes: file.attributes('coords') }));
}

function checkPair(
  { rows }: FeatureRows,
  path: string,
  own: Int32Array | undefined,
  given: Int32Array,
  coordsPath: string,
): void {
  if (given.length !== rows * 2) {
    throw new SamMilError('CountMismatch', 'features and coords do not match', {
      file: coordsPath,
      expected: `${rows} coords, one for each feature row of ${path}`,
      found: `${given.length / 2}`,
    });
  }
  const other = own?.findIndex((value, i) => value !== given[i]) ?? -1;
  if (own === undefined || other < 0) return;
  const row = other >> 1;
  throw new SamMilError('InvalidInput', `the coords are not those in ${path}`, {
    file: coordsPath,
    expected: `${own[2 * row]}, ${own[2 * row + 1]} in row ${row}`,
    found: `${given[2 * row]}, ${given[2 * row + 1]}`,
    next: 'give the coords of the same slide, or leave them out: the features file has its own',
  });
}

function noCoords(file: string): SamMilError {
  return new SamMilError('InvalidInput', 'the features come without coords', {
    file,
    expected: 'an h5 file with a dataset "coords", or `patches`',
    next: "give the slide's patches file as `patches`",
  });
}

/** A group row is -1, -1; every patch begins on the slide. */
function checkPositions(coords: Int32Array, file: string, extent?: readonly [Level0Px, Level0Px]): void {
  const [width, height] = extent ?? [Infinity, Infinity];
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i], coords[i + 1]];
    if ((x === -1 && y === -1) || (x >= 0 && y >= 0 && x < width && y < height)) continue;
    const outside = x >= 0 && y >= 0;
    throw new SamMilError(
      'InvalidInput',
      `row ${i / 2} ${outside ? 'lies outside the slide' : 'has an impossible position'}`,
      {
        file,
        expected: outside ? `coords within ${width} x ${height}` : '0 or more, or -1, -1 for a group row',
        found: `${x}, ${y}`,
      },
    );
  }
}

function encoderOf(reader: FeaturesReader | undefined): BagSource['encoder'] {
  if (reader === undefined) return {};
  const told = Object.entries({ ...reader.featuresAttributes(), ...reader.coordsAttributes() });
  const known = told.filter(
    ([name, value]) =>
      name.startsWith('encoder') &&
      value !== 'None' &&
      (typeof value === 'string' || typeof value === 'number'),
  );
  return Object.fromEntries(known) as BagSource['encoder'];
}

function kindOf(
  reader: FeaturesReader | undefined,
  attributes: Attributes,
  coords: Int32Array,
): BagSource['kind'] {
  if (reader === undefined) return 'pt';
  if (readTridentFacts(attributes)) return 'trident';
  if (coords.some((value) => value === -1) || 'encoder_version' in attributes) return 'sam-mil';
  return 'clam';
}

/** Side and step of the patches as their files state them; undefined where they do not. */
export interface StatedPatches {
  patchSize: number;
  patchLevel: number;
  downsample: readonly [number, number];
  level0: Level0Px;
  trident?: TridentFacts;
}

/** @returns what the attributes say of the patches: TRIDENT's level-0 side, or CLAM's side on a level */
export function statedPatches(attributes: Attributes): StatedPatches | undefined {
  const { patch_size: size, patch_size_level0: direct, patch_level: level, downsample } = attributes;
  if (typeof direct === 'number') {
    const trident = readTridentFacts(attributes);
    return {
      patchSize: direct,
      patchLevel: 0,
      downsample: [1, 1],
      level0: direct,
      ...(trident && { trident }),
    };
  }
  // A level's size says nothing without its downsample.
  if (typeof size !== 'number' || (typeof level === 'number' && level > 0 && downsample === undefined)) {
    return undefined;
  }
  const pair: unknown[] = Array.isArray(downsample) ? downsample : [downsample, downsample];
  const [x = 1, y = 1] = pair;
  const factors = [x, y].map((factor) => (typeof factor === 'number' && factor > 0 ? factor : 1));
  return {
    patchSize: size,
    patchLevel: typeof level === 'number' ? level : 0,
    downsample: [factors[0], factors[1]],
    level0: Math.trunc(size * factors[0]),
  };
}
