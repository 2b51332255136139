import { workerData } from 'node:worker_threads';
import sharp from 'sharp';
import type { RegionTask, RegionThreadData } from './tiff-region-task.js';

/** Decodes regions of one TIFF for a thread that sleeps meanwhile. Ends on the message `close`. */
const { path, port, state } = workerData as RegionThreadData;
sharp.concurrency(1);

port.on('message', (task: RegionTask | 'close') => {
  if (task === 'close') port.close();
  else void answer(task);
});

async function answer(task: RegionTask): Promise<void> {
  let message = '';
  try {
    await decode(task);
  } catch (error) {
    message = error instanceof Error ? error.message.trim().replaceAll('\n', ' ') : String(error);
  }
  port.postMessage(message);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
}

async function decode({ page, subifd, left, top, width, height, pixels }: RegionTask): Promise<void> {
  const { data } = await sharp(path, {
    page,
    ...(subifd < 0 ? {} : { tiff: { subifd } }),
    // In a tiled file, only the tiles of the region are decoded, for any number of pixels.
    limitInputPixels: false,
    sequentialRead: false,
    // At a lower level, libvips returns undecodable tiles as black.
    failOn: 'warning',
    ignoreIcc: true,
  })
    .extract({ left, top, width, height })
    .toColorspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  pixels.set(data);
}
