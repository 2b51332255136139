import { SamMilError } from '../../errors.js';
import { groupFlags, readSamInfoOf, type SamInfo } from '../layouts/bag-files.js';
import type { FeatureRows } from '../layouts/feature-rows.js';
import { readLevel0Dim } from '../layouts/patches-file.js';
import { tridentFacts, type TridentFacts } from '../layouts/trident.js';
import type { InputFile, Job, JobResult } from '../../job.js';
import type { Groups } from '../features/groups.js';
import type { Level0Px } from '../../units.js';
import type { BagFacts } from '../features/bag-layout.js';
import { type BagSource, openBagSource, type StatedPatches, statedPatches } from './bag-source.js';
import { groupsWithoutSlide, readAnySegments } from '../features/patch-groups.js';
import { checkLattice } from './patch-lattice.js';
import { leftOutReason } from './process-row.js';
import { rowsWithoutGroups } from '../layouts/rows-without-groups.js';
import { type FeatureBlocks, writeBag } from '../features/write-bag.js';
import type { ConvertWith } from './parameters.js';

/** Values read at once: 4 MB. */
const BLOCK_ELEMENTS = 1 << 20;

/**
 * Converts features that another tool made to a bag with group rows, members and sam_info, without the slide.
 * Everything except the feature values is checked before the first write. Feature values are checked while
 * they stream through, and an invalid value leaves no output.
 * @throws SamMilError InvalidInput, CountMismatch, MissingMagnification if inputs are inconsistent or lack a
 * required fact
 */
export async function run(job: Job<ConvertWith>): Promise<JobResult> {
  const { with: options } = job;
  const why = leftOutReason(job);
  if (why !== undefined) return { files: {}, skip: why };
  const source = openBagSource(options.features, options.patches);
  try {
    return convert(job, source);
  } finally {
    source.features.close();
  }
}

function convert(job: Job<ConvertWith>, source: BagSource): JobResult {
  const { with: options } = job;
  const sides = patchSides(options, source);
  const known = knownRows(options, source);
  const { coords, features } = known.kept;
  if (options.patchSizeLevel0 !== undefined || options.stepSize !== undefined) {
    checkLattice(known.patches, options.stepSize ?? options.patchSizeLevel0!, source.coordsFile);
  }
  tellDoubts(job, source, known.patches);
  const groups = options.segments && assignGroups(options, options.segments, coords, sides);
  const facts = collectFacts(job, source, sides ?? (groups && level0Sides(groups.patchSize)));
  const total = features.rows;
  const bag = {
    name: job.name,
    folder: job.scratch,
    layout: options.layout,
    coords,
    features: streamBlocks(tellingZeros(job, features), (done) => {
      job.signal.throwIfAborted();
      job.progress({ unit: 'rows', done, total });
    }),
    facts,
    groups: groups?.groups,
    withGroups: wantsGroups(options),
    ...(options.store && { store: options.store }),
    ...(known.info && { known: known.info }),
  };
  const { files, values } = writeBag(bag);
  return { files, values: { ...values, source: source.kind } };
}

/** No group rows by default for TRIDENT's layout, because its readers treat every row as a patch. */
function wantsGroups({ groupFeatures, layout }: ConvertWith): boolean {
  return groupFeatures ?? layout !== 'trident';
}

/**
 * Warns once about rows of zeros, which no encoder produces: the file was not filled, or a file with its data
 * is missing.
 */
function tellingZeros(job: Job<ConvertWith>, features: FeatureRows): FeatureRows {
  const { rows, dim, dtype } = features;
  let [seen, zeros] = [0, 0];
  const readRows = (start: number, count: number): Float32Array => {
    const block = features.readRows(start, count);
    if (start < seen) return block;
    seen = start + count;
    for (let at = 0; at < block.length; at += dim) {
      if (block.subarray(at, at + dim).every((value) => value === 0)) zeros++;
    }
    if (seen === rows && zeros > 0) {
      const facts = { count: zeros, of: rows, features: job.with.features.name };
      job.log('warn', 'some feature rows contain only zeros; the features file may be incomplete', facts);
    }
    return block;
  };
  return { rows, dim, dtype, readRows, close: () => features.close() };
}

function streamBlocks(features: FeatureRows, passed: (rows: number) => void): FeatureBlocks {
  const { rows, dim } = features;
  const step = Math.max(1, Math.floor(BLOCK_ELEMENTS / dim));
  return { rows, dim, blocks };

  function* blocks(): Generator<{ start: number; features: Float32Array }> {
    for (let start = 0; start < rows; start += step) {
      const count = Math.min(step, rows - start);
      yield { start, features: features.readRows(start, count) };
      passed(start + count);
    }
  }
}

/** Returns the side of the patches at level 0 and on the level that they were cut from. */
function patchSides(
  { patchSizeLevel0: patchSize }: ConvertWith,
  source: BagSource,
): StatedPatches | undefined {
  const stated = statedPatches(source.attributes);
  if (patchSize === undefined) return stated;
  if (stated === undefined) return level0Sides(patchSize);
  if (stated.level0 === patchSize) return stated;
  throw new SamMilError('CountMismatch', 'the patch size differs from `patch-size-level0`', {
    file: source.coordsFile,
    expected: `${patchSize} level-0 pixels`,
    found: `${stated.level0} (patch size ${stated.patchSize} of level ${stated.patchLevel})`,
    next: 'remove or correct `patch-size-level0`',
  });
}

function level0Sides(level0: Level0Px): StatedPatches {
  return { patchSize: level0, patchLevel: 0, downsample: [1, 1], level0 };
}

function assignGroups(
  options: ConvertWith,
  file: InputFile,
  coords: Int32Array,
  sides: StatedPatches | undefined,
): { groups: Groups; patchSize: Level0Px } {
  const segments = readAnySegments(file.path);
  const level0 = sides?.level0 ?? segments.info.patchSize;
  const both = { level0, ofLevel: sides?.patchSize };
  const groups = groupsWithoutSlide(file.path, segments, coords, both, options.segmentsDownsample);
  return { groups, patchSize: level0 };
}

interface KnownRows {
  /** Rows to write. */
  kept: { coords: Int32Array; features: FeatureRows };
  /** Coords of the patches among them. */
  patches: Int32Array;
  /** Facts about the kept rows, if a sam_info file is given. */
  info?: Pick<SamInfo, 'isGroupFeat' | 'relativeArea'>;
}

/**
 * Handles existing group rows: dropped if no group rows are requested, kept if their sam_info is given, and
 * refused otherwise, because a second set of groups next to them would go unnoticed.
 */
function knownRows(options: ConvertWith, source: BagSource): KnownRows {
  const { samInfo, segments, features: file } = options;
  const { coords, features } = source;
  if (samInfo && segments) {
    throw new SamMilError('InvalidInput', '`sam-info` and `segments` are both set', {
      file: file.path,
      expected: '`sam-info` to keep existing groups, or `segments` to create groups',
      next: 'remove one of them',
    });
  }
  const info = samInfo && readSamInfoOf(samInfo.path, features.rows, coords);
  const isGroup = info?.isGroupFeat ?? groupFlags(coords);
  const groups = isGroup.reduce((sum, flag) => sum + flag, 0);
  if (groups === 0) return { kept: { coords, features }, patches: coords, info };
  const rest = rowsWithoutGroups(features, coords, isGroup);
  if (groups === features.rows) throw onlyGroups(file.path, groups);
  if (!wantsGroups(options)) {
    const areas = info?.relativeArea.filter((_, row) => isGroup[row] === 0);
    const flags = new Uint8Array(rest.features.rows);
    return { kept: rest, patches: rest.coords, info: areas && { isGroupFeat: flags, relativeArea: areas } };
  }
  if (info) return { kept: { coords, features }, patches: rest.coords, info };
  throw new SamMilError('InvalidInput', 'the bag already contains group features', {
    file: file.path,
    expected: 'only patches, or the input `sam-info`',
    found: `${groups} of ${features.rows} rows at -1, -1`,
    next: 'pass its sam_info file as `sam-info` to keep them, or set `group-features: false` to drop them',
  });
}

function onlyGroups(file: string, count: number): SamMilError {
  return new SamMilError('InvalidInput', 'the bag has no patches', {
    file,
    expected: 'at least one row that is not at -1, -1',
    found: `${count} rows, all of them group features`,
  });
}

/** Warns about facts that are unusual but may be intended. */
function tellDoubts(job: Job<ConvertWith>, { attributes, kind }: BagSource, patches: Int32Array): void {
  const { features } = job.with;
  const name = attributes.name;
  if (typeof name === 'string' && name !== '' && !features.name.startsWith(name.replace(/\.[^.]+$/, ''))) {
    job.log('warn', 'the coords and the features file name different slides', {
      coords: name,
      features: features.name,
    });
  }
  const places = new Set<number>();
  for (let i = 0; i < patches.length; i += 2) places.add(patches[i] * 2 ** 26 + patches[i + 1]);
  const twice = patches.length / 2 - places.size;
  if (twice > 0) job.log('warn', 'some patches have the same position as another patch', { count: twice });
  job.log('info', `features file format: ${kind}`, { file: features.name });
}

function collectFacts(job: Job<ConvertWith>, source: BagSource, sides: StatedPatches | undefined): BagFacts {
  const { layout } = job.with;
  const { attributes } = source;
  const trident = layout === 'trident' ? tridentFactsFor(job.with, source, sides) : undefined;
  return {
    patches: sides,
    level0Dim: readLevel0Dim(attributes),
    slideName: typeof attributes.name === 'string' && attributes.name !== '' ? attributes.name : job.name,
    encoder: source.encoder,
    ...(typeof attributes.patch_mpp === 'number' && { mpp: attributes.patch_mpp }),
    ...(trident && { trident }),
  };
}

function tridentFactsFor(
  options: ConvertWith,
  source: BagSource,
  sides: StatedPatches | undefined,
): TridentFacts {
  const { slideMagnification, stepSize, features } = options;
  if (sides?.trident && slideMagnification === undefined) return sides.trident;
  if (sides === undefined) {
    throw new SamMilError('InvalidInput', 'the patch size is unknown', {
      file: features.path,
      expected: "`patch-size-level0`, or attributes of the coords; TRIDENT's layout requires it",
      next: 'set `patch-size-level0`, or pass the patches file as `patches`',
    });
  }
  if (slideMagnification === undefined) {
    throw new SamMilError('MissingMagnification', 'the magnification of the slide is unknown', {
      file: source.coordsFile,
      expected: "the attribute level0_magnification; TRIDENT's layout requires it",
      found: Object.keys(source.attributes).join(', ') || 'no attributes',
      next: 'set `slide-magnification`, such as 40',
    });
  }
  const { patchSize } = sides.trident ?? sides;
  const step = stepSize === undefined ? patchSize : Math.round((stepSize * patchSize) / sides.level0);
  return tridentFacts({ patchSize, stepSize: step }, sides.level0, slideMagnification);
}
