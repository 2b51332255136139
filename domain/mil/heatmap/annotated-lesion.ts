import type { Job } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { Point } from '../../pathology/annotations/geojson.js';
import { readAnnotation } from '../../pathology/annotations/read-annotation.js';
import type { Region } from '../../pathology/annotations/region.js';
import { describeSelection, selectRegions } from '../../pathology/annotations/select-regions.js';
import type { HeatmapWith } from './parameters.js';

/** The lesion of a slide with an annotation. */
export interface AnnotatedLesion {
  /** Regions of the lesion, and those cut out of it. Empty if no region is a lesion. */
  regions: Region[];
  /** What counted, by class. */
  facts: JsonObject;
}

/**
 * Reads the annotated lesion; undefined without an annotation. It is logged what of the annotation counts,
 * because names of classes differ by laboratory.
 */
export function readLesion(job: Job<HeatmapWith>, origin: Point): AnnotatedLesion | undefined {
  const { annotation, classes, excludeClasses } = job.with;
  if (annotation === undefined) return undefined;
  const { regions, passedOver } = readAnnotation(annotation.path, origin);
  const selection = selectRegions(regions, { classes, excludeClasses }, 'lesion');
  const facts = describeSelection(selection);
  const none = facts.counted === undefined;
  const passed = Object.keys(passedOver).length > 0;
  const what = none ? 'no region of the annotation is a lesion' : 'regions of the lesion, by class';
  job.log(none || passed ? 'warn' : 'info', what, { ...facts, ...(passed && { passedOver }) });
  return { regions: none ? [] : selection.regions, facts };
}
