import { damage } from './damage.js';
import { damageLive } from './damage-live.js';
import { resumeHeals } from './resume-heals.js';
import type { Trial } from './support/trial.js';

/** All trials, in the order in which they run. */
export const TRIALS: readonly Trial[] = [damage, damageLive, resumeHeals];
