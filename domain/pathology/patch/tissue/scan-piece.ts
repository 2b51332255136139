import { READ_PIECE, readPiece, reducePiece, type LevelPiece } from '../../slides/level-pieces.js';
import type { Slide } from '../../slides/slide.js';
import { saturation } from './saturation.js';

/**
 * The requested outputs of a level. Each factor is a power of two by which the level is reduced; 0 if the
 * output is not requested.
 */
export interface ScanPlan {
  level: number;
  saturationFactor: number;
  pictureFactor: number;
}

/** A part of the requested outputs, with sizes and positions in pixels of the reduced level. */
export interface ScannedPiece {
  saturation?: Omit<LevelPiece, 'rgb'> & { values: Uint8Array };
  picture?: LevelPiece;
}

/**
 * Reads pieces of one level of one slide sequentially and computes the requested outputs of each. Memory: one
 * piece (48 MB).
 */
export class PieceScanner {
  private readonly slide: Slide;
  private readonly plan: ScanPlan;
  private readonly buffer: Uint8Array;

  constructor(slide: Slide, plan: ScanPlan) {
    const { width, height } = slide.info.levels[plan.level];
    this.slide = slide;
    this.plan = plan;
    this.buffer = new Uint8Array(Math.min(width, READ_PIECE) * Math.min(height, READ_PIECE) * 3);
  }

  /**
   * Scans the piece with its corner at (x, y) in pixels of the level. Its arrays are new, except those of a
   * picture as large as the level.
   * @throws SamMilError as `readRegion`
   */
  scan(x: number, y: number): ScannedPiece {
    const { level, saturationFactor, pictureFactor } = this.plan;
    const piece = readPiece(this.slide, level, x, y, this.buffer);
    const scanned: ScannedPiece = {};
    if (pictureFactor > 0) scanned.picture = reducePiece(piece, pictureFactor);
    if (saturationFactor > 0) {
      const same = saturationFactor === pictureFactor ? scanned.picture : undefined;
      const { rgb, ...place } = same ?? reducePiece(piece, saturationFactor);
      const values = new Uint8Array(place.width * place.height);
      saturation(rgb, place.width, place.height, values);
      scanned.saturation = { ...place, values };
    }
    return scanned;
  }
}
