import { SamMilError } from '../../errors.js';
import { noInstance } from '../layouts/feature-matrix.js';
import { type FeatureRows, openFeatureRows } from '../layouts/feature-rows.js';
import { FeaturesReader } from '../layouts/features-file.js';
import { type AttributeValue, withH5 } from '../../files/hdf5/h5.js';
import { checkPatchAttributes } from '../layouts/patch-attributes.js';
import { readLevel0Dim, readCoords } from '../layouts/patches-file.js';
import { readTridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile } from '../../job.js';
import type { Level0Px } from '../../units.js';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Existing features and the facts that their files state. The caller closes it. */
export interface BagSource {
  features: FeatureRows;
  /** rows x 2 in level-0 pixels; -1, -1 for group rows. */
  coords: Int32Array;
  /** File that the coords come from. */
  coordsFile: string;
  /** Attributes of `coords`; those of the coords file override those of the features file. */
  attributes: Attributes;
  /** `encoder`, `encoder_version`, ... as far as the file states them. */
  encoder: Record<string, string | number>;
  /** The tool that appears to have written the file. */
  kind: 'clam' | 'trident' | 'sam-mil' | 'pt';
}

/**
 * Opens features from CLAM, TRIDENT, SAM-MIL or sam-mil (h5), or a bare torch tensor, with the coords of
 * their patches.
 * @throws SamMilError CountMismatch if features and coords differ in length; InvalidInput if there are no
 * coords, the coords of the two files differ, or a position is impossible; the errors of the readers
 */
export function openBagSource(file: InputFile, coordsFile?: InputFile): BagSource {
  const features = openFeatureRows(file.path);
  try {
    return openSource(features, file, coordsFile);
  } catch (error) {
    features.close();
    throw error;
  }
}

function openSource(features: FeatureRows, file: InputFile, coordsFile?: InputFile): BagSource {
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
  checkPositions(coords, place, readLevel0Dim(attributes));
  return {
    features,
    coords,
    coordsFile: place,
    attributes,
    encoder: readEncoder(reader),
    kind: detectKind(reader, attributes, coords),
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
      expected: `${rows} coords, one per feature row of ${path}`,
      found: `${given.length / 2}`,
    });
  }
  const other = own?.findIndex((value, i) => value !== given[i]) ?? -1;
  if (own === undefined || other < 0) return;
  const row = other >> 1;
  throw new SamMilError('InvalidInput', `the coords differ from those in ${path}`, {
    file: coordsPath,
    expected: `${own[2 * row]}, ${own[2 * row + 1]} in row ${row}`,
    found: `${given[2 * row]}, ${given[2 * row + 1]}`,
    next: 'pass the patches file of the same slide, or omit `patches`, because the features file has coords',
  });
}

function noCoords(file: string): SamMilError {
  return new SamMilError('InvalidInput', 'the features have no coords', {
    file,
    expected: 'an h5 file with the dataset "coords", or the input `patches`',
    next: 'pass the patches file of the slide as `patches`',
  });
}

/** Requires the corners of patches on the slide. Impossible positions were refused when they were read. */
function checkPositions(coords: Int32Array, file: string, extent?: readonly [Level0Px, Level0Px]): void {
  const [width, height] = extent ?? [Infinity, Infinity];
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i], coords[i + 1]];
    if (x < width && y < height) continue;
    throw new SamMilError('InvalidInput', `row ${i / 2} is outside the slide`, {
      file,
      expected: `coords within ${width} x ${height}`,
      found: `${x}, ${y}`,
    });
  }
}

function readEncoder(reader: FeaturesReader | undefined): BagSource['encoder'] {
  if (reader === undefined) return {};
  const stated = Object.entries({ ...reader.featuresAttributes(), ...reader.coordsAttributes() });
  const known = stated.filter(
    ([name, value]) =>
      name.startsWith('encoder') &&
      value !== 'None' &&
      (typeof value === 'string' || typeof value === 'number'),
  );
  return Object.fromEntries(known) as BagSource['encoder'];
}

function detectKind(
  reader: FeaturesReader | undefined,
  attributes: Attributes,
  coords: Int32Array,
): BagSource['kind'] {
  if (reader === undefined) return 'pt';
  if (readTridentFacts(attributes)) return 'trident';
  if (coords.some((value) => value === -1) || 'encoder_version' in attributes) return 'sam-mil';
  return 'clam';
}

/** Side of the patches as their file states it. */
export interface StatedPatches {
  patchSize: number;
  patchLevel: number;
  downsample: readonly [number, number];
  level0: Level0Px;
  trident?: TridentFacts;
}

/**
 * Reads the patch side from the attributes: the level-0 side from TRIDENT, or the side on a level from CLAM.
 * Undefined if they do not state it.
 */
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
  // The size on a level is meaningless without the downsample of the level.
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
