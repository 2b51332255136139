/**
 * Memory of Segment Anything's networks at a published size, with weights that are nearly all zero (the time
 * does not depend on them). Prints the peak of the process in MB, and the seconds for one image and its
 * points. Arguments: vit_h, vit_l or vit_b, points, threads.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSamModel } from '../domain/pathology/segment/sam/network/open-sam-model.js';
import { type PublishedSam, writeHollowSam } from '../test/support/sam-layout.js';

const SIDE = 1024;
const [name, pointsText, threadsText] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));

try {
  const path = join(folder, `${name}.safetensors`);
  writeHollowSam(path, name as PublishedSam);
  const model = await openSamModel(
    { path, folder, digest: '' },
    { device: 'cpu', threads: Number(threadsText) },
  );
  const start = performance.now();
  const embedding = await model.embed(new Uint8Array(SIDE * SIDE * 3).fill(200), SIDE, SIDE);
  const embedded = performance.now();
  await model.decode(embedding, new Float64Array(2 * Number(pointsText)).fill(SIDE / 2));
  const decoded = performance.now();
  await model.close();
  const facts = { embed_s: (embedded - start) / 1000, decode_s: (decoded - embedded) / 1000 };
  console.log(JSON.stringify({ value: process.resourceUsage().maxRSS / 1024, ...facts }));
} finally {
  rmSync(folder, { recursive: true });
}
