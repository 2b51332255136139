import { workerData } from 'node:worker_threads';
import sharp, { type Sharp } from 'sharp';
import {
  joinPlanes,
  oneLine,
  openStored,
  readGray,
  readRgb,
  sampleKind,
  type SampleKind,
} from './read-rgb.js';
import type { TiffPlace } from './tiff-pyramid.js';
import type { RegionTask, RegionThreadData } from './tiff-region-task.js';

/** Decodes regions of one TIFF for a thread that sleeps meanwhile. Ends on the message `close`. */
const { path, port, state } = workerData as RegionThreadData;
sharp.concurrency(1);

const kinds = new Map<string, SampleKind>();

port.on('message', (task: RegionTask | 'close') => {
  if (task === 'close') port.close();
  else void answer(task);
});

async function answer(task: RegionTask): Promise<void> {
  let message = '';
  try {
    task.pixels.set(await decode(task));
  } catch (error) {
    message = oneLine(error);
  }
  port.postMessage(message);
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
}

async function decode({ places, left, top, width, height }: RegionTask): Promise<Uint8Array> {
  const region = { left, top, width, height };
  if (places.length > 1) {
    const planes = await Promise.all(places.map((place) => readGray(open(place).extract(region))));
    return joinPlanes(planes.map(({ data }) => data));
  }
  const [place] = places;
  return (await readRgb(open(place).extract(region), await kindOf(place))).data;
}

async function kindOf(place: TiffPlace): Promise<SampleKind> {
  const key = `${place.page} ${place.subifd}`;
  const kind = kinds.get(key) ?? (await sampleKind(open(place)));
  kinds.set(key, kind);
  return kind;
}

function open({ page, subifd }: TiffPlace): Sharp {
  return openStored(path, {
    page,
    ...(subifd < 0 ? {} : { tiff: { subifd } }),
    // In a tiled file, only the tiles of the region are decoded, for any number of pixels.
    limitInputPixels: false,
    sequentialRead: false,
    // At a lower level, libvips returns undecodable tiles as black.
    failOn: 'warning',
  });
}
