import { badLine } from './bad-line.js';
import { badMirror } from './bad-mirror.js';
import { chaos } from './chaos.js';
import { crossSite } from './cross-site.js';
import { damage } from './damage.js';
import { damageLive } from './damage-live.js';
import { diskFull } from './disk-full.js';
import { fence } from './fence.js';
import { fuzz } from './fuzz.js';
import { lostResults } from './lost-results.js';
import { movedFolder } from './moved-folder.js';
import { net } from './net.js';
import { otherAccount } from './other-account.js';
import { records } from './records.js';
import { resumeHeals } from './resume-heals.js';
import { serverAway } from './server-away.js';
import { tls } from './tls.js';
import { twoServers } from './two-servers.js';
import type { Trial } from './support/trial.js';

/** All trials, in the order in which they run. */
export const TRIALS: readonly Trial[] = [
  crossSite,
  otherAccount,
  tls,
  badMirror,
  lostResults,
  serverAway,
  damage,
  damageLive,
  resumeHeals,
  records,
  twoServers,
  movedFolder,
  diskFull,
  badLine,
  net,
  fence,
  chaos,
  fuzz,
];
