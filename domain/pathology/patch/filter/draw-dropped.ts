import { Canvas, type Color, TEXT_ROWS, textColumns } from '../tissue/canvas.js';
import { BLACK, HOLE, LEFT_OUT, TISSUE, WHITE } from '../tissue/draw-tissue.js';
import type { Tissue } from '../tissue/find-tissue.js';
import type { Picture } from '../tissue/overview.js';
import { countDropped, DROP_REASONS, type DroppedPatch, type DropReason } from './filter-patches.js';

const ARTIFACT: Color = [255, 0, 200];

/** Colors that differ from each other, from stained tissue and from the outlines. */
const REASONS: Readonly<Record<DropReason, { color: Color; label: string }>> = {
  tissue: { color: [255, 140, 0], label: 'LITTLE TISSUE' },
  white: { color: [0, 200, 255], label: 'WHITE' },
  black: { color: [120, 60, 0], label: 'BLACK' },
  blurred: { color: [255, 230, 0], label: 'BLURRED' },
};

/** How much of the color of an artifact or a dropped patch covers the slide. */
const TINT = 0.45;

export interface Dropped {
  patches: readonly DroppedPatch[];
  /** Reasons that a filter looks for; the legend has these. */
  reasons: readonly DropReason[];
  /** Width and height of a patch in level-0 pixels. */
  size: readonly [number, number];
}

/** Tints artifacts and dropped patches by reason. Where patches overlap, the first one counts. */
export function tintDropped(picture: Picture, tissue: Tissue, { patches, size }: Dropped): Picture {
  const { width, height, downsample } = picture;
  const canvas = new Canvas(picture.rgb.slice(), width, height);
  tintArtifacts(canvas, picture, tissue);
  const tinted = new Uint8Array(width * height);
  const place = (value: number, axis: 0 | 1, end: number) =>
    Math.max(0, Math.min(end, Math.round(value / downsample[axis])));
  for (const { x, y, reason } of patches) {
    const { color } = REASONS[reason];
    const [right, bottom] = [place(x + size[0], 0, width), place(y + size[1], 1, height)];
    for (let row = place(y, 1, height); row < bottom; row++) {
      for (let column = place(x, 0, width); column < right; column++) {
        if (tinted[row * width + column]++ === 0) canvas.tint(column, row, color, TINT);
      }
    }
  }
  return { ...picture, rgb: canvas.rgb };
}

function tintArtifacts(canvas: Canvas, { width, height, downsample }: Picture, tissue: Tissue): void {
  const { artifacts } = tissue;
  if (artifacts === undefined) return;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * downsample[1]) / tissue.downsample[1]);
    if (row >= tissue.height) return;
    for (let x = 0; x < width; x++) {
      const column = Math.floor(((x + 0.5) * downsample[0]) / tissue.downsample[0]);
      if (column < tissue.width && artifacts[row * tissue.width + column] !== 0)
        canvas.tint(x, y, ARTIFACT, TINT);
    }
  }
}

/**
 * Adds a white strip below the picture that names the colors and counts the dropped patches. The slide stays
 * in its place.
 */
export function addLegend(picture: Picture, tissue: Tissue, { patches, reasons }: Dropped): Picture {
  const counts = countDropped(patches);
  const entries: [Color, string][] = [
    [TISSUE, 'TISSUE'],
    [HOLE, 'HOLE'],
    ...(tissue.ids.length < tissue.contours.length ? [[LEFT_OUT, 'EXCLUDED'] as [Color, string]] : []),
    ...(tissue.artifacts === undefined ? [] : [[ARTIFACT, 'ARTIFACT'] as [Color, string]]),
    ...DROP_REASONS.filter((reason) => reasons.includes(reason)).map((reason): [Color, string] => [
      REASONS[reason].color,
      `${REASONS[reason].label} ${counts[reason]}`,
    ]),
  ];
  const { width } = picture;
  const dot = Math.max(1, Math.round(Math.max(width, picture.height) / 500));
  const line = TEXT_ROWS * dot;
  const places = placeEntries(
    entries.map(([, label]) => line + textColumns(label) * dot + 4 * dot),
    width,
  );
  const height = picture.height + (Math.max(...places.map(([, row]) => row)) + 1) * (line + dot) + dot;
  const rgb = new Uint8Array(width * height * 3).fill(255);
  rgb.set(picture.rgb);
  const canvas = new Canvas(rgb, width, height);
  entries.forEach(([color, label], index) => {
    const [x, row] = places[index];
    const y = picture.height + dot + row * (line + dot);
    canvas.rectangle(x + dot, y, line, line, color);
    canvas.text(label, x + line + 2 * dot, y, dot, BLACK, WHITE);
  });
  return { ...picture, rgb, height };
}

/** Places entries from left to right in rows of `width` pixels: x and row. */
function placeEntries(widths: readonly number[], width: number): [x: number, row: number][] {
  let [x, row] = [0, 0];
  return widths.map((size) => {
    if (x > 0 && x + size > width) [x, row] = [0, row + 1];
    const place: [number, number] = [x, row];
    x += size;
    return place;
  });
}
