import type { RandomStream } from '../../random.js';

/** Corners per outline: enough to look round, few enough to look drawn by hand. */
const CORNERS = 72;

/**
 * An irregular round outline: a polygon with corners at equal angles around a center, each at its own radius.
 * In pixels, with y pointing down.
 */
export class StarShape {
  readonly x: number;
  readonly y: number;
  /** Distance of the farthest corner. */
  readonly reach: number;
  private readonly radii: Float64Array;

  constructor(x: number, y: number, radii: Float64Array) {
    this.x = x;
    this.y = y;
    this.radii = radii;
    this.reach = Math.max(...radii);
  }

  /** Creates a shape whose radius varies around `radius` by up to about `swing` times it, in slow waves. */
  static random(x: number, y: number, radius: number, swing: number, random: RandomStream): StarShape {
    const waves = [2, 3, 4, 5, 7].map((turns) => ({
      turns,
      height: ((2 * random.uniform() - 1) * swing) / Math.sqrt(turns),
      phase: 2 * Math.PI * random.uniform(),
    }));
    const radii = Float64Array.from({ length: CORNERS }, (_, corner) => {
      const angle = (2 * Math.PI * corner) / CORNERS;
      return (
        radius * waves.reduce((sum, wave) => sum + wave.height * Math.sin(wave.turns * angle + wave.phase), 1)
      );
    });
    return new StarShape(x, y, radii);
  }

  /** Distance of a point to the outline along the ray from the center: positive inside, negative outside. */
  depth(x: number, y: number): number {
    const step = (2 * Math.PI) / CORNERS;
    const angle = (Math.atan2(y - this.y, x - this.x) + 2 * Math.PI) % (2 * Math.PI);
    const corner = Math.min(CORNERS - 1, Math.floor(angle / step));
    const [a, b] = [this.radii[corner], this.radii[(corner + 1) % CORNERS]];
    const turn = angle - corner * step;
    // Distance at which the ray meets the edge between two corners.
    const edge = (a * b * Math.sin(step)) / (a * Math.sin(turn) + b * Math.sin(step - turn));
    return edge - Math.hypot(x - this.x, y - this.y);
  }

  /** The corners, in order. */
  corners(): [x: number, y: number][] {
    return Array.from(this.radii, (radius, corner) => {
      const angle = (2 * Math.PI * corner) / CORNERS;
      return [this.x + radius * Math.cos(angle), this.y + radius * Math.sin(angle)];
    });
  }
}

/** Smooth noise from -1 to 1 that varies over about `cell` pixels. */
export class ValueNoise {
  private readonly cell: number;
  private readonly columns: number;
  private readonly values: Float64Array;

  constructor(width: number, height: number, cell: number, random: RandomStream) {
    this.cell = cell;
    this.columns = Math.ceil(width / cell) + 2;
    const rows = Math.ceil(height / cell) + 2;
    this.values = Float64Array.from({ length: this.columns * rows }, () => 2 * random.uniform() - 1);
  }

  at(x: number, y: number): number {
    const column = Math.floor(x / this.cell);
    const row = Math.floor(y / this.cell);
    const [u, v] = [smooth(x / this.cell - column), smooth(y / this.cell - row)];
    const first = row * this.columns + column;
    const upper = mix(this.values[first], this.values[first + 1], u);
    const lower = mix(this.values[first + this.columns], this.values[first + this.columns + 1], u);
    return mix(upper, lower, v);
  }
}

/** Smoothstep from 0 to 1, with zero slope at both ends. */
export function smooth(t: number): number {
  const inside = Math.max(0, Math.min(1, t));
  return inside * inside * (3 - 2 * inside);
}

function mix(a: number, b: number, share: number): number {
  return a + share * (b - a);
}
