import { SamMilError } from '../../../errors.js';
import type { InputFile, Job } from '../../../job.js';
import type { JsonObject } from '../../../json.js';
import { quPathOrigin } from '../../annotations/qupath-origin.js';
import { readAnnotation } from '../../annotations/read-annotation.js';
import type { Region } from '../../annotations/region.js';
import { describeSelection, selectRegions, type ClassFilter } from '../../annotations/select-regions.js';
import type { Slide } from '../../slides/slide.js';
import type { TissueContour } from '../tissue/contours.js';
import { cleanPolygon } from './clip-polygon.js';
import type { OutlinesWith } from './outline-parameters.js';
import type { PatchLimits } from './patch-limits.js';

/** What people outlined on a slide, in level-0 pixels. */
export interface GivenOutlines {
  /** Tissue, instead of what segmentation finds. */
  tissue?: TissueContour[];
  limits: PatchLimits;
  /** Regions that counted, by parameter and class, for the outputs. */
  facts: JsonObject;
}

/** Parameters with outlines. */
type Role = 'tissue' | 'roi' | 'exclude';

/**
 * Reads `tissue`, `roi` and `exclude`; undefined if none is given. What counted, and outlines that were
 * clipped, are logged.
 * @throws SamMilError InvalidInput for a file that cannot be read, has no region of the given classes, or has
 *   an outline outside the slide
 */
export function readGivenOutlines(job: Job<OutlinesWith>, slide: Slide): GivenOutlines | undefined {
  const { tissue, roi, exclude, classes, roiClasses = classes, excludeClasses } = job.with;
  const read = new OutlineReader(job, slide);
  if (tissue !== undefined) read.read('tissue', tissue, { classes, excludeClasses });
  if (roi !== undefined) read.read('roi', roi, { classes: roiClasses, excludeClasses });
  if (exclude !== undefined) read.read('exclude', exclude, { classes: excludeClasses, excludeClasses: [] });
  return read.result();
}

class OutlineReader {
  private readonly job: Job<OutlinesWith>;
  private readonly slide: Slide;
  private readonly counting: Partial<Record<Role, TissueContour[]>> = {};
  private readonly cutOut: TissueContour[] = [];
  private readonly facts: JsonObject = {};

  constructor(job: Job<OutlinesWith>, slide: Slide) {
    this.job = job;
    this.slide = slide;
  }

  result(): GivenOutlines | undefined {
    if (Object.keys(this.facts).length === 0) return undefined;
    const { tissue, roi, exclude = [] } = this.counting;
    return {
      ...(tissue && { tissue }),
      limits: { ...(roi && { roi }), exclude: [...exclude, ...this.cutOut] },
      facts: this.facts,
    };
  }

  read(role: Role, file: InputFile, filter: ClassFilter): void {
    const { regions, passedOver } = readAnnotation(file.path, quPathOrigin(this.slide.info));
    const selection = selectRegions(regions, filter, 'area');
    const counted = selection.regions.filter(({ excluded }) => !excluded);
    const facts = describeSelection(selection);
    if (counted.length === 0 && regions.length > 0 && role !== 'exclude') throw noneCounts(role, file, facts);
    this.facts[role] = facts;
    this.counting[role] = this.contoursOf(role, file, counted);
    const cut = selection.regions.filter(({ excluded }) => excluded);
    this.cutOut.push(...this.contoursOf(role, file, cut));
    const passed = Object.keys(passedOver).length > 0;
    const level = counted.length === 0 || passed ? 'warn' : 'info';
    this.job.log(level, `outlines of \`${role}\`, by class`, { ...facts, ...(passed && { passedOver }) });
  }

  private contoursOf(role: Role, file: InputFile, regions: readonly Region[]): TissueContour[] {
    const [level0] = this.slide.info.levels;
    const clipped: Record<string, string> = {};
    const contours = regions.flatMap((region, i) => {
      const cleaned = cleanPolygon(region.rings, [level0.width, level0.height]);
      if (cleaned.contours.length === 0) throw nothingLeft(file, region, level0);
      if (cleaned.clipped !== undefined) clipped[`${nameOf(region)} (${i})`] = cleaned.clipped;
      return cleaned.contours;
    });
    if (Object.keys(clipped).length > 0)
      this.job.log(
        'warn',
        `outlines of \`${role}\` were clipped, because each leaves the slide or crosses itself`,
        {
          clipped,
        },
      );
    return contours;
  }
}

function nameOf({ name, group = 'without class' }: Region): string {
  return name === '' ? group : `${group} "${name}"`;
}

function noneCounts(role: Role, { path }: InputFile, facts: JsonObject): SamMilError {
  return new SamMilError('InvalidInput', `no outline of the file counts as \`${role}\``, {
    file: path,
    expected: 'at least one region of the classes that count',
    found: JSON.stringify(facts),
    next: 'correct `classes`, or the classes in the file; a file without any outline means that nothing is to be patched',
  });
}

function nothingLeft(
  { path }: InputFile,
  region: Region,
  { width, height }: { width: number; height: number },
): SamMilError {
  const [xs, ys] = [0, 1].map((axis) => region.rings[0].map((point) => point[axis]));
  const [left, right] = range(xs);
  const [top, bottom] = range(ys);
  return new SamMilError('InvalidInput', `an outline encloses nothing of the slide: ${nameOf(region)}`, {
    file: path,
    expected: `level-0 pixels of the slide: x from 0 to ${width}, y from 0 to ${height}`,
    found: `x from ${left} to ${right}, y from ${top} to ${bottom}`,
    next: 'check that the file belongs to this slide and counts in pixels of its full resolution',
  });
}

function range(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}
