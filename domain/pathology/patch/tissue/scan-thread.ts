import { parentPort, workerData } from 'node:worker_threads';
import { openSlide } from '../../slides/open.js';
import type { Slide } from '../../slides/slide.js';
import { encodeError } from '../../../machine/threads/wire-error.js';
import type { ScanAnswer, ScanTask, ScanThreadData } from './scan-messages.js';
import { PieceScanner, type ScannedPiece } from './scan-piece.js';

/**
 * Reading thread. It opens its own handle of the slide for the first piece and ends on the message `close`.
 */
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
  parentPort?.postMessage(answer, 'piece' in answer ? listBuffers(answer.piece) : []);
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

/**
 * Buffers to transfer instead of copy. Threads read large levels only, whose pictures are reduced and have
 * separate buffers.
 */
function listBuffers({ saturation, picture }: ScannedPiece): ArrayBuffer[] {
  const arrays = [saturation?.values, plan.pictureFactor > 1 ? picture?.rgb : undefined];
  return arrays.flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
}
