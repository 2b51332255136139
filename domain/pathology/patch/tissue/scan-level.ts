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
  /** Receives the pieces in arbitrary order. */
  onPiece: (piece: ScannedPiece, done: number, total: number) => void;
  /** Reading threads. Default: one per core, up to {@link MOST_THREADS}, if there are many pieces. */
  threads?: number;
}

/** A thread uses about 160 MB for its handle, the raw piece and the RGB piece. */
const MOST_THREADS = 4;

/** Fewer pieces than this are read faster than threads start. */
const MANY_PIECES = 6;

/**
 * Reads a whole level in pieces, on several threads with one handle each if that is faster. The pieces are
 * the same, so the result does not depend on threads. The event loop runs between pieces.
 * @throws SamMilError as reading; the reason of the signal when it is aborted
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

/**
 * Resolves when no piece is left and the thread has closed its slide. Threads are asked to end and never
 * killed, because a killed thread leaks its handle.
 */
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
