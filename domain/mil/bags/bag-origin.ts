import { groupFlags, readSamInfo } from '../../pathology/layouts/bag-files.js';
import { withH5 } from '../../files/hdf5/h5.js';
import { readCoords } from '../../pathology/layouts/patches-file.js';
import { isPt } from '../../pathology/layouts/feature-rows.js';
import type { JsonObject } from '../../json.js';
import { readAttributes } from './bag-facts.js';
import type { BagEntry } from './bags.js';

/**
 * How bags were made, as far as their files state it: each fact with the values that occur. Numbers that vary
 * between scanners (`mpp`, `patch side in µm`) are given as the smallest and the largest one.
 */
export type BagOrigin = Readonly<Record<string, readonly (string | number)[]>>;

/** Facts that are compared within a tolerance. */
const LENGTHS: readonly string[] = ['mpp', 'patch side in µm'];

/**
 * Ratio within which lengths count as equal, as for patches that an encoder expects: scanners of one nominal
 * magnification differ by less.
 */
const EQUAL_WITHIN = 1.15;

/** What training stores in its checkpoint. */
export function originOfBags(entries: readonly BagEntry[], groupFeatures: boolean): JsonObject {
  const facts: Record<string, (string | number)[]> = {};
  for (const entry of entries) {
    for (const [name, value] of Object.entries(originOfBag(entry, groupFeatures))) {
      const values = (facts[name] ??= []);
      if (!values.includes(value)) values.push(value);
    }
  }
  for (const [name, values] of Object.entries(facts)) {
    values.sort((a, b) => (a < b ? -1 : 1));
    if (LENGTHS.includes(name)) facts[name] = [values[0], values[values.length - 1]];
  }
  return Object.keys(facts).length === 0 ? {} : { 'bag-facts': facts };
}

/** The facts that a checkpoint states about its training bags; undefined for one that states none. */
export function trainedOrigin(training: JsonObject): BagOrigin | undefined {
  return training['bag-facts'] as BagOrigin | undefined;
}

/**
 * Reads how one bag was made. Facts that its file does not state are absent.
 * @param groupFeatures whether group rows are used
 */
export function originOfBag(
  entry: Pick<BagEntry, 'features' | 'samInfo'>,
  groupFeatures: boolean,
): Record<string, string | number> {
  const attributes = readAttributes(entry.features);
  const encoder = Object.entries(attributes).filter(
    (fact): fact is [string, string | number] =>
      fact[0].startsWith('encoder') && (typeof fact[1] === 'string' || typeof fact[1] === 'number'),
  );
  const named = encoder.map(([name, value]) => [name.replaceAll('_', ' '), value] as const);
  const groups = groupFeatures ? groupRows(entry) : undefined;
  return {
    ...(attributes.encoder !== undefined && { 'encoder precision': 'fp32' }),
    ...Object.fromEntries(named),
    ...patchFacts(attributes),
    ...(groups !== undefined && { 'group rows': groups }),
  };
}

function patchFacts(attributes: Readonly<Record<string, unknown>>): Record<string, number> {
  const { patch_size: size, patch_mpp: stated, target_magnification: power } = attributes;
  const mpp =
    typeof stated === 'number' ? stated : typeof power === 'number' && power > 0 ? 10 / power : undefined;
  if (typeof size !== 'number') return mpp === undefined ? {} : { mpp };
  return { 'patch size': size, ...(mpp !== undefined && { mpp, 'patch side in µm': size * mpp }) };
}

/** Whether a bag has rows that are group features. Unknown for a bare tensor. */
function groupRows({ features, samInfo }: Pick<BagEntry, 'features' | 'samInfo'>): string | undefined {
  if (samInfo !== undefined) return yesNo(readSamInfo(samInfo).isGroupFeat);
  return isPt(features) ? undefined : yesNo(groupFlags(withH5(features, readCoords)));
}

function yesNo(flags: Uint8Array): string {
  return flags.includes(1) ? 'yes' : 'no';
}

/** A fact in which a bag differs from the training bags. */
export interface OriginMismatch {
  fact: string;
  trained: string;
  found: string;
}

/**
 * Compares a bag with the training bags. A fact that one side does not state contradicts nothing. Patch sizes
 * in pixels are compared only where the size in µm is not known, because a requested resolution takes
 * another number of pixels from each scanner.
 */
export function originMismatches(
  trained: BagOrigin,
  own: Readonly<Record<string, string | number>>,
): OriginMismatch[] {
  const side = LENGTHS[1];
  const measured = side in trained && side in own;
  return Object.entries(own).flatMap(([fact, value]) => {
    const values = trained[fact];
    if (values === undefined || (fact === 'patch size' && measured)) return [];
    if (LENGTHS.includes(fact))
      return isWithin(values, Number(value)) ? [] : [lengthMismatch(fact, values, value)];
    if (values.includes(value)) return [];
    return [{ fact, trained: values.join(' or '), found: String(value) }];
  });
}

function isWithin([least, most]: readonly (string | number)[], value: number): boolean {
  return value * EQUAL_WITHIN >= Number(least) && value <= Number(most) * EQUAL_WITHIN;
}

function lengthMismatch(
  fact: string,
  [least, most]: readonly (string | number)[],
  value: string | number,
): OriginMismatch {
  const short = (number: string | number) => String(Number(Number(number).toPrecision(3)));
  const trained = short(least) === short(most) ? short(least) : `${short(least)} to ${short(most)}`;
  return { fact, trained, found: short(value) };
}

/** Facts that the training bags state and a bag does not, so that they cannot be compared. */
export function unstatedFacts(trained: BagOrigin, own: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(trained).filter((fact) => !(fact in own));
}
