import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { piecePlaces } from '../../slides/level-pieces.js';
import type { Slide } from '../../slides/slide.js';
import { decodeError } from '../../../machine/threads/wire-error.js';
import type { ScanAnswer, ScanThreadData } from './scan-messages.js';
import { PieceScanner, type ScannedPiece, type ScanPlan } from './scan-piece.js';

export interface ScanOptions {
  signal: AbortSignal;
  /** Sees the pieces in no order. */
  onPiece: (piece: ScannedPiece, done: number, total: number) => void;
  /** Threads that read; default: one a core up to {@link MOST_THREADS} where there are many pieces. */
  threads?: number;
}

/** With its handle, a piece as the library gives it and as RGB, a thread takes some 160 MB. */
const MOST_THREADS = 4;

/** Fewer pieces are read before threads have started. */
const MANY_PIECES = 6;

/**
 * Reads a whole level in its pieces, on several threads where that is worth it, each with a handle of its own: the pieces are the same, so the
 * result is too. Lets the event loop run. Throws what reading throws, and the signal's reason between two pieces.
 */
export async function scanLevel(slide: Slide, plan: ScanPlan, options: ScanOptions): Promise<void> {
  const places = piecePlaces(slide.info.levels[plan.level]);
  const threads = Math.min(options.threads ?? defaultThreads(slide, places.length), places.length);
  if (threads > 1) return scanInThreads({ path: slide.path, plan }, places, threads, options);
  const scanner = new PieceScanner(slide, plan);
  for (const [index, [x, y]] of places.entries()) {
    options.onPiece(scanner.scan(x, y), index + 1, places.length);
    await setImmediate();
    options.signal.throwIfAborted();
  }
}

function defaultThreads({ info }: Slide, pieces: number): number {
  return pieces < MANY_PIECES || info.costlyToOpen === true
    ? 1
    : Math.min(MOST_THREADS, availableParallelism());
}

async function scanInThreads(
  data: ScanThreadData,
  places: readonly [number, number][],
  threads: number,
  { signal, onPiece }: ScanOptions,
): Promise<void> {
  const left = places.values();
  let done = 0;
  let failed = false;
  const next = (): [number, number] | undefined => (failed || signal.aborted ? undefined : left.next().value);
  const take = (piece: ScannedPiece) => onPiece(piece, ++done, places.length);
  const outcomes = await Promise.allSettled(
    Array.from({ length: threads }, () =>
      runThread(data, next, take).catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
  signal.throwIfAborted();
}

/** Ends when there is nothing left for it and its slide is closed. Threads are asked to end, never killed: a killed one leaks its handle. */
function runThread(
  workerData: ScanThreadData,
  next: () => [number, number] | undefined,
  take: (piece: ScannedPiece) => void,
): Promise<void> {
  const worker = new Worker(new URL('./scan-thread.js', import.meta.url), { workerData });
  let failure: Error | undefined;
  const goOn = () => worker.postMessage((failure === undefined ? next() : undefined) ?? 'close');
  return new Promise((resolve, reject) => {
    worker.on('message', (answer: ScanAnswer) => {
      if ('error' in answer) failure = decodeError(answer.error);
      else take(answer.piece);
      goOn();
    });
    worker.on('error', (error: Error) => (failure ??= error));
    worker.on('exit', () => {
      if (failure) reject(failure);
      else resolve();
    });
    goOn();
  });
}
