/**
 * Our side of the tile contest: every tile of a slide, as RGB, in tiles per second. Arguments: slide, tile
 * size, passes.
 */
import { openSlide } from '../domain/pathology/slides/open.js';

const [path, sizeText, passesText] = process.argv.slice(2);
const size = Number(sizeText);
const passes = Number(passesText);

function readAllTiles(): number {
  // A new handle per pass, so that every tile is decoded and none comes from the cache.
  const slide = openSlide(path);
  const { width, height } = slide.info.levels[0];
  const into = new Uint8Array(size * size * 3);
  let count = 0;
  for (let y = 0; y + size <= height; y += size) {
    for (let x = 0; x + size <= width; x += size) {
      slide.readRegion(x, y, 0, size, size, into);
      count++;
    }
  }
  slide.close();
  return count;
}

const start = performance.now();
let count = 0;
for (let pass = 0; pass < passes; pass++) count += readAllTiles();
console.log(JSON.stringify({ value: count / ((performance.now() - start) / 1000) }));
