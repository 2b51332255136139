import { badLine } from './bad-line.js';
import { damage } from './damage.js';
import { damageLive } from './damage-live.js';
import { fence } from './fence.js';
import { lostResults } from './lost-results.js';
import { movedFolder } from './moved-folder.js';
import { resumeHeals } from './resume-heals.js';
import { serverAway } from './server-away.js';
import { twoServers } from './two-servers.js';
import type { Trial } from './support/trial.js';

/** All trials, in the order in which they run. */
export const TRIALS: readonly Trial[] = [
  lostResults,
  serverAway,
  damage,
  damageLive,
  resumeHeals,
  twoServers,
  movedFolder,
  badLine,
  fence,
];
