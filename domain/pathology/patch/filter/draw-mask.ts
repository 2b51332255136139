import { drawTissue } from '../tissue/draw-tissue.js';
import type { Tissue } from '../tissue/find-tissue.js';
import type { Picture } from '../tissue/overview.js';
import { addLegend, type Dropped, tintDropped } from './draw-dropped.js';

/**
 * Draws the mask picture: the outlines of the tissue and, if something can be dropped, what was dropped, with
 * a legend.
 */
export function drawMask(
  picture: Picture,
  tissue: Tissue,
  lineThickness: number,
  dropped: Dropped | undefined,
): Picture {
  if (dropped === undefined) return { ...picture, rgb: drawTissue(picture, tissue, lineThickness) };
  const tinted = tintDropped(picture, tissue, dropped);
  const drawn = { ...tinted, rgb: drawTissue(tinted, tissue, lineThickness) };
  return addLegend(drawn, tissue, dropped);
}
