import { loadOpenCV, type OpenCV } from '@opencvjs/node';

/** OpenCV's functions (WebAssembly, one thread). */
export type OpenCv = typeof OpenCV;

let loading: Promise<{ cv: OpenCv }> | undefined;

/**
 * Loads OpenCV once per process, in about half a second. The module is wrapped in an object because it may
 * look like a promise, and awaiting it would never end. The caller must delete every Mat and MatVector,
 * including those returned by `get(i)`. `data` views become invalid when the heap grows, so copy them before
 * the next call.
 */
export function loadOpenCv(): Promise<{ cv: OpenCv }> {
  loading ??= loadOpenCV().then((cv) => ({ cv }));
  return loading;
}

/** Runs `use` and then deletes everything it passed to `keep`, even if it throws. */
export function withMats<Result>(use: (keep: <T extends { delete(): void }>(mat: T) => T) => Result): Result {
  const kept: { delete(): void }[] = [];
  try {
    return use((mat) => {
      kept.push(mat);
      return mat;
    });
  } finally {
    for (const mat of kept.reverse()) mat.delete();
  }
}
