/**
 * Our side of the tissue contest: the implementation of pathology.patch on a slide, including outputs, in
 * slides per second. Arguments: slide, patch size, passes (0: the slide once, for contests that time the
 * whole process). The peer writes the files that CLAM writes: coords h5, mask jpg, stitch jpg. Our side also
 * writes mask h5, stitch h5 and GeoJSON, and makes each file durable. The peer's mask jpg has full size, ours
 * half.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../domain/pathology/patch/patch.js';

const [path, sizeText, passesText] = process.argv.slice(2);
const passes = Number(passesText);
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));

async function patch(pass: number): Promise<unknown> {
  const scratch = join(folder, String(pass));
  mkdirSync(scratch);
  const { values } = await run({
    with: {
      slide: { path, digest: '', name: 'slide' },
      preset: 'bwh_biopsy',
      patchSize: Number(sizeText),
      patchLevel: 0,
      contourFn: 'four_pt',
      usePadding: true,
      customDownsample: 1,
      layout: 'clam',
      device: 'auto',
    },
    work: folder,
    name: 'slide',
    scratch,
    checkpoint: folder,
    signal: new AbortController().signal,
    progress: () => undefined,
    log: () => undefined,
  });
  return values?.count;
}

try {
  // Imports are not timed, as on the peer's side: OpenCV loads with the first slide.
  const first = await patch(0);
  if (passes === 0) console.log(JSON.stringify({ value: 1, patches: first }));
  else await contest();
} finally {
  rmSync(folder, { recursive: true });
}

async function contest(): Promise<void> {
  const start = performance.now();
  let patches: unknown;
  for (let pass = 1; pass <= passes; pass++) patches = await patch(pass);
  console.log(JSON.stringify({ value: passes / ((performance.now() - start) / 1000), patches }));
}
