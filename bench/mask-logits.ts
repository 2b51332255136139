/**
 * Our side of the mask contest: low-resolution logits of SAM's decoder to run lengths, area, box and
 * stability at 1024 x 1024, in masks per second. Arguments: masks, passes.
 */
import { LogitScanner } from '../domain/pathology/segment/sam/logit-scanner.js';

const [masks, passes] = process.argv.slice(2).map(Number);
const [SIDE, IMAGE] = [256, 1024];

/** `peers/mask_logits.py` makes the same. */
function blob(mask: number): Float32Array {
  const share = (quality: number): number => ((mask * 7919 + quality * 104729 + 13) % 1009) / 1009;
  const [x, y, radius] = [share(0) * SIDE, share(1) * SIDE, SIDE * (0.02 + 0.4 * share(2) ** 2)];
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [dx, dy] = [(i % SIDE) - x, Math.floor(i / SIDE) - y];
    return 2 * (radius - Math.sqrt(dx * dx + dy * dy)) + 3 * Math.sin(dx / 3) * Math.sin(dy / 5);
  });
}

const logits = Array.from({ length: masks }, (_, mask) => blob(mask));
const size = { width: IMAGE, height: IMAGE, scaledWidth: IMAGE, scaledHeight: IMAGE };
const scanner = new LogitScanner(SIDE, IMAGE, size, { left: 0, top: 0 }, [IMAGE, IMAGE], 1);
let runs = 0;
let pixels = 0;
const start = performance.now();
for (let pass = 0; pass < passes; pass++) {
  for (const one of logits) {
    pixels += scanner.scan(one).area;
    runs += scanner.runs().counts.length;
  }
}
const value = (passes * masks) / ((performance.now() - start) / 1000);
console.log(JSON.stringify({ value, runs: runs / passes, pixels: pixels / passes }));
