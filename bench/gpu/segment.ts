/**
 * Our side of Segment Anything on a GPU: one image to its embedding, and a grid of points to the logits of
 * their masks in memory. Argument: {@link SegmentTask}.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { openSamModel } from '../../domain/pathology/segment/sam/network/open-sam-model.js';
import { repeat } from './repeat.js';
import type { SegmentTask } from './settings.js';

/** Points per call, as in the mask generator of segment-anything. */
const AT_ONCE = 64;

const task = JSON.parse(process.argv[2]) as SegmentTask;
const { imageSize: side } = task;
const start = performance.now();
const model = await openSamModel(
  { path: task.weights, folder: dirname(task.weights), digest: '', decoderHeads: task.decoderHeads },
  { device: task.device, threads: 16 },
);
const load = (performance.now() - start) / 1000;
const image = readFileSync(task.pixels).subarray(0, side * side * 3);
const columns = Math.ceil(Math.sqrt(task.points));
const points = Float64Array.from({ length: 2 * task.points }, (_, i) => {
  const place = i % 2 === 0 ? (i >> 1) % columns : Math.floor((i >> 1) / columns);
  return ((place + 0.5) / columns) * side;
});
const embedding = await model.embed(image, side, side);
const some = await model.decode(embedding, points.subarray(0, 2 * Math.min(AT_ONCE, task.points)));
writeFileSync(task.features, new Uint8Array(some.logits.buffer));
const embed = await repeat(task.seconds, async () => void (await model.embed(image, side, side)));
const decode = await repeat(task.seconds, async () => {
  for (let at = 0; at < points.length; at += 2 * AT_ONCE)
    await model.decode(embedding, points.subarray(at, at + 2 * AT_ONCE));
});
await model.close();
const { name: provider, why } = model.provider;
const rates = { images_per_s: 1 / embed.median, points_per_s: task.points / decode.median };
console.log(JSON.stringify({ load_s: load, first_s: embed.first, ...rates, provider, why }));
