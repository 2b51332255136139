import type { WireError } from '../../../errors.js';
import type { ScannedPiece, ScanPlan } from './scan-piece.js';

/** Messages to a thread: the corner of a piece, or that there is no more. */
export type ScanTask = [x: number, y: number] | 'close';

/** And from it. */
export type ScanAnswer = { piece: ScannedPiece } | { error: WireError };

/** What a thread is started with. */
export interface ScanThreadData {
  path: string;
  plan: ScanPlan;
}
