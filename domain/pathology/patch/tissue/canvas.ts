import type { Outline } from './polygon.js';

export type Color = readonly [red: number, green: number, blue: number];

/** Digits of 3 x 5 dots: 5 rows of 3 bits; the highest bit is the left dot of the top row. */
const DIGITS = [0x7b6f, 0x2c97, 0x73e7, 0x73cf, 0x5bc9, 0x79cf, 0x79ef, 0x7249, 0x7bef, 0x7bcf];
const DIGIT_WIDTH = 3;
const DIGIT_HEIGHT = 5;

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
   * Draws a number with a rim of one dot, at `dot` pixels per dot. Its top-left corner is (x, y), moved so
   * that the number is inside the picture.
   */
  digits(text: string, x: number, y: number, dot: number, color: Color, rim: Color): void {
    const columns = text.length * (DIGIT_WIDTH + 1) + 1;
    const rows = DIGIT_HEIGHT + 2;
    const left = Math.max(0, Math.min(Math.round(x), this.width - columns * dot));
    const top = Math.max(0, Math.min(Math.round(y), this.height - rows * dot));
    this.rectangle(left, top, columns * dot, rows * dot, rim);
    [...text].forEach((digit, place) => {
      const bits = DIGITS[Number(digit)];
      for (let i = 0; i < DIGIT_WIDTH * DIGIT_HEIGHT; i++) {
        if (((bits >> (DIGIT_WIDTH * DIGIT_HEIGHT - 1 - i)) & 1) === 0) continue;
        const column = 1 + place * (DIGIT_WIDTH + 1) + (i % DIGIT_WIDTH);
        const row = 1 + Math.floor(i / DIGIT_WIDTH);
        this.rectangle(left + column * dot, top + row * dot, dot, dot, color);
      }
    });
  }

  private rectangle(left: number, top: number, width: number, height: number, color: Color): void {
    for (let y = top; y < top + height; y++) this.line(left, left + width, y, color);
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
