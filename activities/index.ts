import type { ActivityPlugin } from './define-activity.js';

/** The plugins that ship with this project. Each activity has one line here and one definition file in its plugin's folder. */
export const plugins: readonly ActivityPlugin[] = [
  { name: 'pathology', activities: [] },
  { name: 'mil', activities: [] },
  { name: 'pipeline', activities: [] },
];
