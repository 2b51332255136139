import type { WireError } from '../../../errors.js';
import type { ScannedPiece, ScanPlan } from './scan-piece.js';

/** Message to a thread: the corner of a piece, or `close`. */
export type ScanTask = [x: number, y: number] | 'close';

/** Message from a thread. */
export type ScanAnswer = { piece: ScannedPiece } | { error: WireError };

/** Start data of a thread. */
export interface ScanThreadData {
  path: string;
  plan: ScanPlan;
}
