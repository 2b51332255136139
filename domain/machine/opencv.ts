import { loadOpenCV, type OpenCV } from '@opencvjs/node';

/** OpenCV's functions (WebAssembly, one thread). */
export type OpenCv = typeof OpenCV;

let loading: Promise<{ cv: OpenCv }> | undefined;

/**
 * OpenCV, loaded once a process in about half a second. Comes in an object because the module itself may look like a promise, and awaiting
 * such a one never ends. Every Mat and MatVector, and each that `get(i)` hands out, must be deleted by the caller; `data` views die when the
 * heap grows, so copy them out before the next call.
 */
export function loadOpenCv(): Promise<{ cv: OpenCv }> {
  loading ??= loadOpenCV().then((cv) => ({ cv }));
  return loading;
}

/** Runs `use` and deletes all that it handed to `keep`, also when it throws. */
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
