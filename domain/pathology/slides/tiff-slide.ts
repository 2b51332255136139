import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { SamMilError } from '../../errors.js';
import type { Level0Px } from '../../units.js';
import { checkRequest } from './openslide.js';
import { readMpp, readObjectivePower } from './properties.js';
import type { Level, Slide, SlideInfo } from './slide.js';
import type { RegionTask, RegionThreadData } from './tiff-region-task.js';
import type { TiffPyramid } from './tiff-pyramid.js';
import { saysUnsupported, unsupportedImage } from './tiff-refusals.js';

/** No region of a tiled file takes longer on a working disk. */
const TIMEOUT_MS = 5 * 60_000;

const CLOSED = 'the slide is closed';

/**
 * A tiled TIFF as a slide, read by libvips: for pyramids with levels in sub-images (OME-TIFF), of which
 * OpenSlide reads only the first, for slides that are not the first image, and for tiles that OpenSlide
 * cannot decode or would scramble. libvips decodes only the tiles of a region. Because it is asynchronous, it
 * runs on a separate thread, and the caller's thread sleeps until the pixels are available.
 *
 * A read that starts between two pixels of a level uses the nearest one (OpenSlide interpolates). Colors
 * follow {@link readRgb}, and more than 8 bits are scaled down.
 */
export class TiffSlide implements Slide {
  readonly path: string;
  readonly info: SlideInfo;
  private readonly pyramid: Pick<TiffPyramid, 'levels'>;
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly state = new Int32Array(new SharedArrayBuffer(4));
  private shared = new Uint8Array(new SharedArrayBuffer(0));
  /** Why the slide can no longer be read. */
  private failure: string | undefined;

  /** @throws SamMilError CorruptSlide or UnsupportedFormat if libvips cannot decode a first tile */
  constructor(path: string, pyramid: Pick<TiffPyramid, 'levels' | 'properties' | 'notes'>) {
    this.path = path;
    this.pyramid = pyramid;
    this.info = describe(pyramid);
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const workerData: RegionThreadData = { path, port: port2, state: this.state };
    this.worker = new Worker(new URL('./tiff-region-thread.js', import.meta.url), {
      workerData,
      transferList: [port2],
    });
    // An unclosed slide must not keep the process alive.
    this.worker.unref();
    this.port.unref();
    try {
      this.readRegion(0, 0, pyramid.levels.length - 1, 1, 1);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  readRegion(
    x: Level0Px,
    y: Level0Px,
    level: number,
    width: number,
    height: number,
    into: Uint8Array = new Uint8Array(width * height * 3),
  ): Uint8Array {
    if (this.failure !== undefined) throw this.dead();
    checkRequest(this, level, width, height, into);
    const { readDownsample = 1, width: levelWidth, height: levelHeight } = this.info.levels[level];
    const [startX, startY] = [Math.round(x / readDownsample), Math.round(y / readDownsample)];
    const left = Math.max(0, startX);
    const top = Math.max(0, startY);
    const w = Math.min(levelWidth, startX + width) - left;
    const h = Math.min(levelHeight, startY + height) - top;
    if (w < width || h < height) into.fill(0);
    if (w <= 0 || h <= 0) return into;
    const { places } = this.pyramid.levels[level];
    const pixels = this.decode({ places, left, top, width: w, height: h });
    for (let row = 0; row < h; row++) {
      const line = pixels.subarray(row * w * 3, (row + 1) * w * 3);
      into.set(line, ((top - startY + row) * width + left - startX) * 3);
    }
    return into;
  }

  readLevel(level: number): Uint8Array {
    const { width = 0, height = 0 } = this.info.levels[level] ?? {};
    return this.readRegion(0, 0, level, width, height);
  }

  /** Rule of OpenSlide: the smallest level whose downsample does not exceed the requested one. */
  bestLevelForDownsample(downsample: number): number {
    const { levels } = this.info;
    return Math.max(
      0,
      levels.findLastIndex(({ readDownsample = 1 }) => readDownsample <= downsample),
    );
  }

  close(): void {
    if (this.failure === CLOSED) return;
    this.failure = CLOSED;
    this.port.postMessage('close');
    this.port.close();
  }

  /** Sleeps until the reading thread has written the region. */
  private decode(region: Omit<RegionTask, 'pixels'>): Uint8Array {
    const bytes = region.width * region.height * 3;
    if (this.shared.length < bytes) this.shared = new Uint8Array(new SharedArrayBuffer(bytes));
    const { left, top, width, height } = region;
    Atomics.store(this.state, 0, 0);
    this.port.postMessage({ ...region, pixels: this.shared } satisfies RegionTask);
    const outcome = Atomics.wait(this.state, 0, 0, TIMEOUT_MS);
    const answer = receiveMessageOnPort(this.port);
    const error =
      outcome === 'timed-out'
        ? `no answer within ${TIMEOUT_MS / 1000} s`
        : (answer?.message as string | undefined);
    if (error) {
      this.failure = error;
      if (saysUnsupported(error)) throw unsupportedImage(this.path, 'tiles that libvips decodes', error);
      throw this.dead(`reading ${width} x ${height} pixels at (${left}, ${top})`);
    }
    return this.shared.subarray(0, bytes);
  }

  private dead(doing?: string): SamMilError {
    const what =
      doing === undefined ? 'this slide can no longer be read' : `the slide is damaged: ${doing} failed`;
    return new SamMilError('CorruptSlide', what, {
      file: this.path,
      found: this.failure,
      next: 'copy or download the slide again and compare its size with the original; other slides are not affected',
    });
  }
}

function describe({
  levels: images,
  properties,
  notes,
}: ConstructorParameters<typeof TiffSlide>[1]): SlideInfo {
  const [{ width: width0, height: height0 }] = images;
  const levels = images.map(({ width, height }): Level => {
    const downsample = [width0 / width, height0 / height] as const;
    return { width, height, downsample, readDownsample: (downsample[0] + downsample[1]) / 2 };
  });
  return {
    vendor: 'tiff',
    levels,
    mpp: readMpp(properties),
    objectivePower: readObjectivePower(properties),
    properties,
    notes,
  };
}
