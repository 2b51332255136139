import { parentPort, workerData } from 'node:worker_threads';
import { openSlide } from '../../slides/open.js';
import type { Slide } from '../../slides/slide.js';
import { encodeError } from '../../../machine/threads/wire-error.js';
import type { ScanAnswer, ScanTask, ScanThreadData } from './scan-messages.js';
import { PieceScanner, type ScannedPiece } from './scan-piece.js';

/** A reading thread: opens the slide for itself with its first piece, and ends when it is told `close`. */
const { path, plan } = workerData as ScanThreadData;
let slide: Slide | undefined;
let scanner: PieceScanner | undefined;

parentPort?.on('message', (task: ScanTask) => {
  if (task === 'close') {
    slide?.close();
    parentPort?.close();
    return;
  }
  const answer = scan(task);
  parentPort?.postMessage(answer, 'piece' in answer ? buffersOf(answer.piece) : []);
});

function scan([x, y]: [number, number]): ScanAnswer {
  try {
    slide ??= openSlide(path);
    scanner ??= new PieceScanner(slide, plan);
    return { piece: scanner.scan(x, y) };
  } catch (error) {
    return { error: encodeError(error) };
  }
}

/** Handed over instead of copied. (Threads are used for large levels, whose pictures are smaller and so in buffers of their own.) */
function buffersOf({ saturation, picture }: ScannedPiece): ArrayBuffer[] {
  const arrays = [saturation?.values, plan.pictureFactor > 1 ? picture?.rgb : undefined];
  return arrays.flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
}
