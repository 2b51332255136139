import type { JsonObject } from '../../json.js';
import { countUp, type Region } from './region.js';

/** Which classes of an annotation count and which are cut out. */
export interface ClassFilter {
  classes?: readonly string[];
  excludeClasses?: readonly string[];
}

/** What regions are looked for: a lesion, or areas to patch. It decides what counts without a filter. */
export type Purpose = 'lesion' | 'area';

/** Regions that count or are cut out (`excluded`), and the numbers of all regions by class. */
export interface Selection {
  regions: Region[];
  counted: Record<string, number>;
  cutOut: Record<string, number>;
  leftOut: Record<string, number>;
}

/** Classes that are a lesion; `_0` and `_1` are those of CAMELYON16. */
const LESION =
  /^_[01]$|tumou?r|lesion|metasta|cancer|carcinoma|malignan|neoplas|melanoma|sarcoma|lymphoma|in[ -]?situ/i;

/** Classes that never are a lesion unless `classes` names them: among them QuPath's own and marked areas. */
const NO_LESION =
  /^(?:stroma|tissue|region|roi|region of interest|necrosis|immune cells?|lymphocytes?|background|other|artifacts?|fat|adipose|muscle|vessels?|blood|mucus|negative)$/i;

/** Exclusions by name: QuPath's `Ignore*`, and ASAP's usual groups. */
const EXCLUSION = /^(?:exclu(?:de|sion).*|ignore.*)$/i;

/** What outlines tissue that is not lesion: `_2` in CAMELYON16, `normal` in CAMELYON17. */
const HEALTHY = /^(?:_2|normal|non[-_ ]?tumou?r)$/i;

/**
 * Selects the regions that count and those that are cut out of them.
 *
 * A name in the filter matches a region whose class, or one of the names of its derived class, or its group
 * or a group around it, or whose own name equals it. Upper and lower case, spaces around names and a final
 * `*` do not matter. `Tumor: Positive` in the filter matches classes that have both names. Regions that the
 * file itself marks as cut out (ImageScope's NegativeROA) always are.
 */
export function selectRegions(regions: readonly Region[], filter: ClassFilter, purpose: Purpose): Selection {
  const selection: Selection = { regions: [], counted: {}, cutOut: {}, leftOut: {} };
  const others: Region[] = [];
  for (const region of regions) {
    if (isCutOut(region, filter, purpose)) add(selection, 'cutOut', region);
    else others.push(region);
  }
  const counts = countingRule(others, filter, purpose);
  for (const region of others) add(selection, counts(region) ? 'counted' : 'leftOut', region);
  return selection;
}

/** What a selection found, as facts of a message or output values; kinds without regions are left out. */
export function describeSelection({ counted, cutOut, leftOut }: Omit<Selection, 'regions'>): JsonObject {
  const facts = { counted, 'cut-out': cutOut, 'left-out': leftOut };
  return Object.fromEntries(Object.entries(facts).filter(([, counts]) => Object.keys(counts).length > 0));
}

function add(selection: Selection, kind: 'counted' | 'cutOut' | 'leftOut', region: Region): void {
  countUp(selection[kind], region.group ?? 'without class');
  if (kind !== 'leftOut') selection.regions.push({ ...region, excluded: kind === 'cutOut' });
}

function isCutOut(region: Region, { classes = [], excludeClasses }: ClassFilter, purpose: Purpose): boolean {
  if (region.excluded) return true;
  if (excludeClasses !== undefined) return excludeClasses.some((name) => matches(region, name));
  // A name that `classes` lists is meant to count, whatever it usually means.
  const wanted = new Set(classes.flatMap(namesIn));
  return classNames(region)
    .filter((name) => !wanted.has(name))
    .some((name) => EXCLUSION.test(name) || (purpose === 'lesion' && HEALTHY.test(name)));
}

function countingRule(
  regions: readonly Region[],
  { classes }: ClassFilter,
  purpose: Purpose,
): (region: Region) => boolean {
  if (classes !== undefined) return (region) => classes.some((name) => matches(region, name));
  if (purpose === 'area') return () => true;
  const isLesion = (region: Region) => classNames(region).some((name) => LESION.test(name));
  if (regions.some(isLesion)) return isLesion;
  return (region) => !classNames(region).some((name) => NO_LESION.test(name));
}

function matches(region: Region, filter: string): boolean {
  const own = classNames(region);
  const wanted = namesIn(filter);
  if (wanted.length > 0 && wanted.every((name) => own.includes(name))) return true;
  return region.name !== '' && plain(region.name) === plain(filter);
}

function classNames({ classes = [] }: Region): string[] {
  return classes.flatMap(namesIn);
}

function namesIn(text: string): string[] {
  return text
    .split(':')
    .map(plain)
    .filter((name) => name !== '');
}

function plain(name: string): string {
  return name.normalize('NFC').trim().replace(/\*$/, '').toLowerCase();
}
