import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphDots } from './glyphs.js';
import type { Outline } from './polygon.js';

export type Color = readonly [red: number, green: number, blue: number];

/** Rows of dots of a line of text with its rim. */
export const TEXT_ROWS = GLYPH_HEIGHT + 2;

/** Columns of dots of a text with its rim. */
export function textColumns(text: string): number {
  return text.length * (GLYPH_WIDTH + 1) + 1;
}

/** Draws on RGB pixels in place and clips at the border. */
export class Canvas {
  readonly rgb: Uint8Array;
  private readonly width: number;
  private readonly height: number;

  constructor(rgb: Uint8Array, width: number, height: number) {
    this.rgb = rgb;
    this.width = width;
    this.height = height;
  }

  /** Draws a closed outline with a round pen of `thickness` pixels. */
  outline(points: Outline, color: Color, thickness: number): void {
    const pen = penRows(thickness);
    let x = points[points.length - 2];
    let y = points[points.length - 1];
    for (let i = 0; i < points.length; i += 2) {
      const [endX, endY] = [points[i], points[i + 1]];
      const steps = Math.max(Math.abs(endX - x), Math.abs(endY - y));
      for (let step = 1; step <= steps; step++) {
        const share = step / steps;
        this.stamp(Math.round(x + (endX - x) * share), Math.round(y + (endY - y) * share), pen, color);
      }
      if (points.length === 2) this.stamp(endX, endY, pen, color);
      [x, y] = [endX, endY];
    }
  }

  /**
   * Draws digits and capital letters with a rim of one dot, at `dot` pixels per dot. The top-left corner is
   * (x, y), moved so that the text is inside the picture.
   */
  text(text: string, x: number, y: number, dot: number, color: Color, rim: Color): void {
    const columns = textColumns(text);
    const left = Math.max(0, Math.min(Math.round(x), this.width - columns * dot));
    const top = Math.max(0, Math.min(Math.round(y), this.height - TEXT_ROWS * dot));
    this.rectangle(left, top, columns * dot, TEXT_ROWS * dot, rim);
    [...text].forEach((character, place) => {
      for (const [x, y] of glyphDots(character)) {
        const column = 1 + place * (GLYPH_WIDTH + 1) + x;
        this.rectangle(left + column * dot, top + (1 + y) * dot, dot, dot, color);
      }
    });
  }

  rectangle(left: number, top: number, width: number, height: number, color: Color): void {
    for (let y = top; y < top + height; y++) this.line(left, left + width, y, color);
  }

  /** Mixes a pixel with a color, of which `share` (0 to 1) counts. */
  tint(x: number, y: number, color: Color, share: number): void {
    const at = (y * this.width + x) * 3;
    for (let c = 0; c < 3; c++)
      this.rgb[at + c] = Math.round(this.rgb[at + c] * (1 - share) + color[c] * share);
  }

  /** @param pen rows of the pen from top to bottom */
  private stamp(x: number, y: number, pen: readonly (readonly [number, number])[], color: Color): void {
    const top = y - (pen.length >> 1);
    pen.forEach(([from, to], row) => this.line(x + from, x + to, top + row, color));
  }

  private line(from: number, to: number, y: number, [red, green, blue]: Color): void {
    if (y < 0 || y >= this.height) return;
    const end = (y * this.width + Math.min(to, this.width)) * 3;
    for (let at = (y * this.width + Math.max(from, 0)) * 3; at < end; at += 3) {
      this.rgb[at] = red;
      this.rgb[at + 1] = green;
      this.rgb[at + 2] = blue;
    }
  }
}

/** Rows of a disc: first column and end column (exclusive), relative to its center. */
function penRows(thickness: number): (readonly [number, number])[] {
  const middle = thickness >> 1;
  const radius = thickness / 2;
  return Array.from({ length: thickness }, (_, row) => {
    const off = row + 0.5 - radius;
    const half = Math.sqrt(radius * radius - off * off);
    const from = Math.round(radius - half);
    return [from - middle, thickness - from - middle] as const;
  });
}
