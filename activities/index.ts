import type { ActivityPlugin } from './define-activity.js';
import { definition as milSplit } from './mil/split.js';
import { definition as pathologyPatch } from './pathology/patch.js';

/** The plugins that ship with this project. Each activity has a definition file in its plugin's folder, an import above and a place below. */
export const plugins: readonly ActivityPlugin[] = [
  { name: 'pathology', activities: [pathologyPatch] },
  { name: 'mil', activities: [milSplit] },
  { name: 'pipeline', activities: [] },
];
