import { RandomStream } from '../../random.js';
import type { Pixels } from '../slides/images.js';
import { quilt, type Texture } from './quilt.js';
import { PATCH_SIDE } from './source-patches.js';
import { smooth, StarShape, ValueNoise } from './star-shape.js';

/** White border around the tissue, pixels. */
const MARGIN = 224;

/** Color of glass in a scan: not quite white and slightly uneven. */
const GLASS = [243, 241, 244] as const;

/** Amplitude of the tissue edge in pixels, in waves and in frays. */
const WAVES = 22;
const FRAYS = 9;

/** Width in pixels, inside its outline, over which a lesion fades into the surrounding tissue. */
const FADE = 18;

/** Minimum distance in pixels between the lesion and the tissue edge. */
const CLEARANCE = WAVES + FRAYS + 40;

const FEWEST_RADII = 0.17;
const MORE_RADII = 0.08;

export interface PaintedSlide extends Pixels {
  /** Outline of the area with the second kind of tissue. */
  lesion: StarShape;
}

/**
 * Paints a slide: on glass, one piece of tissue about `grid` patches across with a ragged edge and a few
 * tears, and in it a lesion of about a fifth of its area. All pixels of the lesion are inside its outline.
 * The names of the random streams begin with `names`.
 *
 * @param tissue patches that the tissue is assembled from
 * @param inside patches that the lesion is assembled from; for a slide without lesion, patches of the
 * tissue's kind, so that seams reveal nothing
 */
export function paintSlide(
  grid: number,
  tissue: readonly Uint8Array[],
  inside: readonly Uint8Array[],
  ...names: (string | number)[]
): PaintedSlide {
  const stream = (purpose: string) => new RandomStream(...names, purpose);
  const side = grid * PATCH_SIDE;
  const size = side + 2 * MARGIN;
  const shape = StarShape.random(size / 2, size / 2, side * 0.52, 0.12, stream('tissue shape'));
  const lesion = placeLesion(shape, side, stream('lesion place'));
  const tears = placeTears(shape, lesion, side, stream('tears'));
  const ragged = edgeNoise(size, stream('edge'));
  const depth = (x: number, y: number) => {
    let least = shape.depth(x, y);
    for (const tear of tears) {
      const distance = Math.hypot(x - tear.x, y - tear.y) - tear.reach;
      if (distance < least) least = Math.min(least, -tear.depth(x, y));
    }
    return least + ragged(x, y);
  };

  const ground = quilt(tissue, size, stream('tissue'));
  const reach = Math.ceil(lesion.reach);
  const spot = quilt(inside, 2 * reach, stream('lesion'));
  lay(ground, spot, lesion, reach);
  const data = onGlass(ground, size, depth, stream('glass'));
  return { data, width: size, height: size, channels: 3, lesion };
}

/**
 * Finds a position for the lesion well inside the tissue. After each failed attempt, the lesion gets slightly
 * smaller.
 */
function placeLesion(tissue: StarShape, side: number, random: RandomStream): StarShape {
  let radius = side * (FEWEST_RADII + MORE_RADII * random.uniform());
  for (;;) {
    const distance = Math.sqrt(random.uniform()) * side * 0.42;
    const angle = 2 * Math.PI * random.uniform();
    const [x, y] = [tissue.x + distance * Math.cos(angle), tissue.y + distance * Math.sin(angle)];
    const lesion = StarShape.random(x, y, radius, 0.22, random);
    if (lesion.corners().every(([cx, cy]) => tissue.depth(cx, cy) > CLEARANCE)) return lesion;
    radius *= 0.99;
  }
}

/** Places small holes in the tissue, away from the lesion. */
function placeTears(tissue: StarShape, lesion: StarShape, side: number, random: RandomStream): StarShape[] {
  const tears = Array.from({ length: 6 }, () => {
    const [x, y] = [0, 0].map(() => tissue.x + (random.uniform() - 0.5) * side * 0.8);
    const radius = side * (0.012 + 0.022 * random.uniform());
    return StarShape.random(x, y, radius, 0.4, random);
  });
  return tears.filter(({ x, y }) => lesion.depth(x, y) < -0.08 * side);
}

function edgeNoise(size: number, random: RandomStream): (x: number, y: number) => number {
  const waves = new ValueNoise(size, size, 70, random);
  const frays = new ValueNoise(size, size, 13, random);
  return (x, y) => WAVES * waves.at(x, y) + FRAYS * frays.at(x, y);
}

/** Paints the texture of the lesion over the ground, inside its outline. */
function lay(ground: Texture, spot: Texture, lesion: StarShape, reach: number): void {
  const [left, top] = [Math.round(lesion.x) - reach, Math.round(lesion.y) - reach];
  for (let y = 0; y < 2 * reach; y++) {
    for (let x = 0; x < 2 * reach; x++) {
      // Start one pixel inside: half a pixel beyond the outline is already outside.
      const share = smooth((lesion.depth(left + x, top + y) - 1) / FADE);
      if (share === 0) continue;
      const target = ((top + y) * ground.side + left + x) * 3;
      const source = (y * spot.side + x) * 3;
      for (let c = 0; c < 3; c++) {
        const old = ground.rgb[target + c];
        ground.rgb[target + c] = Math.round(old + share * (spot.rgb[source + c] - old));
      }
    }
  }
}

/** Side of the blocks whose center decides whether all their pixels are tissue or all are glass. */
const BLOCK = 16;

/** Blends tissue, where its depth is positive, with glass elsewhere. */
function onGlass(
  ground: Texture,
  size: number,
  depth: (x: number, y: number) => number,
  random: RandomStream,
): Uint8Array {
  const data = new Uint8Array(size * size * 3);
  for (let top = 0; top < size; top += BLOCK) {
    for (let left = 0; left < size; left += BLOCK) {
      // Deeper than waves and frays can reach from the center to a corner.
      const middle = depth(left + BLOCK / 2, top + BLOCK / 2);
      const sure = Math.abs(middle) > 3 * BLOCK ? (middle > 0 ? 1 : 0) : undefined;
      for (let y = top; y < top + BLOCK; y++) {
        const target = (y * size + left) * 3;
        const tissue = ground.rgb.subarray(
          (y * ground.side + left) * 3,
          (y * ground.side + left + BLOCK) * 3,
        );
        if (sure === 1) data.set(tissue, target);
        else mixRow(data, target, tissue, (x) => sure ?? smooth(depth(left + x, y) / 3), random);
      }
    }
  }
  return data;
}

function mixRow(
  data: Uint8Array,
  target: number,
  tissue: Uint8Array,
  shareAt: (x: number) => number,
  random: RandomStream,
): void {
  for (let x = 0; x < BLOCK; x++) {
    const share = shareAt(x);
    const noise = random.nextUint32();
    for (let c = 0; c < 3; c++) {
      const glass = GLASS[c] + ((noise >>> (c * 8)) & 1);
      data[target + x * 3 + c] = Math.round(glass + share * (tissue[x * 3 + c] - glass));
    }
  }
}
