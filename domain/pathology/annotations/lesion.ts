import { countUp, type Region } from './region.js';

/** Classes that are a lesion; `_0` and `_1` are those of CAMELYON16. */
const LESION =
  /^_[01]$|tumou?r|lesion|metasta|cancer|carcinoma|malignan|neoplas|melanoma|sarcoma|lymphoma|in[ -]?situ/i;

/** Regions of a lesion and those cut out of it, and the numbers of regions by class that count or do not. */
export interface Lesion {
  regions: Region[];
  counted: Record<string, number>;
  leftOut: Record<string, number>;
}

/**
 * Selects the regions that are a lesion. Annotations also outline tissue, stroma or the region of interest.
 * Without `classes`, those whose name says that they are a lesion count; if no name does, all count.
 * @param classes names of the lesion's classes, in any case
 */
export function selectLesion(regions: readonly Region[], classes?: readonly string[]): Lesion {
  const outlined = regions.filter(({ excluded }) => !excluded);
  const isNamed = ({ classes: own = [], group = '' }: Region): boolean =>
    classes === undefined
      ? own.some((name) => LESION.test(name))
      : classes.some((name) => [group, ...own].some((mine) => mine.toLowerCase() === name.toLowerCase()));
  const all = classes === undefined && !outlined.some(isNamed);
  const lesion: Lesion = { regions: [], counted: {}, leftOut: {} };
  for (const region of regions) {
    const counts = !region.excluded && (all || isNamed(region));
    if (counts || region.excluded) lesion.regions.push(region);
    countUp(counts ? lesion.counted : lesion.leftOut, region.group ?? 'without class');
  }
  return lesion;
}
