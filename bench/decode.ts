/**
 * Tiles per second on decoding threads, as extraction reads them. Both sides of this contest are ours: all
 * cores, and one thread. Arguments: slide, tile size, passes, threads (0: one per core).
 */
import { availableParallelism } from 'node:os';
import { PatchDecoder } from '../domain/pathology/extract/patch-decoder.js';
import { openSlide } from '../domain/pathology/slides/open.js';

const [path, ...numbers] = process.argv.slice(2);
const [size, passes, threads] = numbers.map(Number);
const slide = openSlide(path);
const [{ width, height }] = slide.info.levels;
slide.close();
const coords: number[] = [];
for (let y = 0; y + size <= height; y += size) {
  for (let x = 0; x + size <= width; x += size) coords.push(x, y);
}
const grid = Int32Array.from(coords);
const bytes = (grid.length / 2) * size * size * 3;
// As in extraction, the next tiles are requested before the last ones have arrived.
const buffers = [0, 1].map(() => [new Uint8Array(new SharedArrayBuffer(bytes))]);
// Without a cache, every tile is decoded in every pass.
const source = {
  slide: path,
  level: 0,
  patchSize: size,
  fits: [{ size, resize: 'bilinear' }],
  cacheBytes: 0,
} as const;
const decoder = new PatchDecoder(source, threads || availableParallelism());
await decoder.decode(grid, buffers[0]);
const start = performance.now();
let before: Promise<void> = Promise.resolve();
for (let pass = 0; pass < passes; pass++) {
  const decoding = decoder.decode(grid, buffers[pass % 2]);
  await before;
  before = decoding;
}
await before;
const seconds = (performance.now() - start) / 1000;
await decoder.close();
console.log(JSON.stringify({ value: (passes * grid.length) / 2 / seconds }));
