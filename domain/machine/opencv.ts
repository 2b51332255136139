import type openCv from '@techstark/opencv-js';

/** Constants that the package declares as `any`. */
type Constant = 'CHAIN_APPROX_NONE' | 'COLOR_RGB2HSV' | 'RETR_CCOMP' | 'THRESH_BINARY' | 'THRESH_OTSU';

/** OpenCV's functions (WebAssembly, one thread). */
export type OpenCv = Omit<typeof openCv, Constant> & Readonly<Record<Constant, number>>;

let loading: Promise<OpenCv> | undefined;

/**
 * Loads OpenCV once per process, in about half a second. The caller must delete every Mat and MatVector,
 * including those returned by `get(i)`. `data` views become invalid when the heap grows, so copy them before
 * the next call.
 */
export function loadOpenCv(): Promise<OpenCv> {
  loading ??= load();
  return loading;
}

/** The package exports a promise of its functions, which its types do not say. */
async function load(): Promise<OpenCv> {
  const { default: promised } = await import('@techstark/opencv-js');
  return Promise.resolve<OpenCv>(promised);
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
