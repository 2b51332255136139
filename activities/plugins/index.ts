import type { ActivityPlugin } from '../define/define-activity.js';
import { definition as evaluate } from '../mil/evaluate.js';
import { definition as heatmap } from '../mil/heatmap.js';
import { definition as importTable } from '../mil/import.js';
import { definition as importCheckpoint } from '../mil/import-checkpoint.js';
import { definition as predict } from '../mil/predict.js';
import { definition as split } from '../mil/split.js';
import { definition as trainFold } from '../mil/train-fold.js';
import { definition as assembleCohort } from '../pathology/assemble-cohort.js';
import { definition as convert } from '../pathology/convert.js';
import { definition as extract } from '../pathology/extract.js';
import { definition as patch } from '../pathology/patch.js';
import { definition as segment } from '../pathology/segment.js';
import { definition as command } from '../pipeline/command.js';
import { definition as copy } from '../pipeline/copy.js';
import { definition as report } from '../pipeline/report.js';

/**
 * The built-in plugins. Each activity has a definition file in its plugin's folder, an import above and an
 * entry below.
 */
export const plugins: readonly ActivityPlugin[] = [
  { name: 'pathology', activities: [assembleCohort, patch, segment, extract, convert] },
  { name: 'mil', activities: [importTable, importCheckpoint, split, trainFold, evaluate, predict, heatmap] },
  { name: 'pipeline', activities: [command, copy, report] },
];
