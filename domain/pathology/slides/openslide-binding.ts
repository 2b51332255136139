import koffi, { type LibraryHandle } from 'koffi';
import { SamMilError } from '../../errors.js';
import { openSlideLibraryPath } from '../../machine/openslide-library.js';

/** An `openslide_t *` or `openslide_cache_t *`. */
export type Handle = bigint;

/**
 * The functions of OpenSlide's C library that the project calls, under their own names without the prefix. Lengths at a level are in that
 * level's pixels, positions in level-0 pixels.
 */
export interface OpenSlideApi {
  /** Path of the library file. */
  library: string;
  version: string;
  /** Vendor that would open the file, or null where no reader knows it. */
  detectVendor(path: string): string | null;
  /** Null where no reader knows the file; a handle whose `error` is set where one does but fails. */
  open(path: string): Handle | null;
  close(slide: Handle): void;
  error(slide: Handle): string | null;
  levelCount(slide: Handle): number;
  levelSize(slide: Handle, level: number): [width: number, height: number];
  levelDownsample(slide: Handle, level: number): number;
  bestLevelForDownsample(slide: Handle, downsample: number): number;
  propertyNames(slide: Handle): string[];
  propertyValue(slide: Handle, name: string): string | null;
  /** Fills `into` with premultiplied 0xAARRGGBB pixels. */
  readRegion(
    slide: Handle,
    into: Uint32Array,
    x: number,
    y: number,
    level: number,
    width: number,
    height: number,
  ): void;
  /** Gives the handle a tile cache of its own of that many bytes; absent before OpenSlide 4. */
  setCacheSize?(slide: Handle, bytes: number): void;
}

let loaded: OpenSlideApi | undefined;

/** Loads the library once a thread. Throws `Unavailable` where it can't be found or loaded. */
export function openSlideApi(): OpenSlideApi {
  loaded ??= load(openSlideLibraryPath());
  return loaded;
}

function load(path: string): OpenSlideApi {
  try {
    return bind(path, koffi.load(path));
  } catch (error) {
    throw new SamMilError('Unavailable', 'the OpenSlide library could not be loaded', {
      file: path,
      found: error instanceof Error ? error.message : String(error),
      next: 'set OPENSLIDE_LIB to a libopenslide of this platform (the pinned one needs glibc 2.28 or newer), or unset it to have one fetched',
      cause: error,
    });
  }
}

type Call<Result = unknown> = (...values: unknown[]) => Result;

function bind(path: string, library: LibraryHandle): OpenSlideApi {
  const call = <Result>(prototype: string) => library.func(prototype) as unknown as Call<Result>;
  const levelDimensions = call(
    'void openslide_get_level_dimensions(void *slide, int32_t level, _Out_ int64_t *w, _Out_ int64_t *h)',
  );
  const names = call<Handle>('void *openslide_get_property_names(void *slide)');
  return {
    library: path,
    version: call<string>('const char *openslide_get_version(void)')(),
    detectVendor: call('const char *openslide_detect_vendor(const char *path)'),
    open: call('void *openslide_open(const char *path)'),
    close: call<void>('void openslide_close(void *slide)'),
    error: call('const char *openslide_get_error(void *slide)'),
    levelCount: call('int32_t openslide_get_level_count(void *slide)'),
    levelSize(slide, level) {
      const width = [0];
      const height = [0];
      levelDimensions(slide, level, width, height);
      return [Number(width[0]), Number(height[0])];
    },
    levelDownsample: call('double openslide_get_level_downsample(void *slide, int32_t level)'),
    bestLevelForDownsample: call(
      'int32_t openslide_get_best_level_for_downsample(void *slide, double downsample)',
    ),
    propertyNames: (slide) => stringList(names(slide)),
    propertyValue: call('const char *openslide_get_property_value(void *slide, const char *name)'),
    readRegion: call<void>(
      'void openslide_read_region(void *slide, void *dest, int64_t x, int64_t y, int32_t level, int64_t w, int64_t h)',
    ),
    setCacheSize: bindCache(library),
  };
}

/** Cache functions came with OpenSlide 4; Debian 12's 3.4.1 has none, and reads without. */
function bindCache(library: LibraryHandle): OpenSlideApi['setCacheSize'] {
  try {
    const create = library.func('void *openslide_cache_create(size_t capacity)') as unknown as Call<Handle>;
    const attach = library.func('void openslide_set_cache(void *slide, void *cache)') as unknown as Call;
    const release = library.func('void openslide_cache_release(void *cache)') as unknown as Call;
    return (slide, bytes) => {
      const cache = create(bytes);
      attach(slide, cache);
      // The slide holds its own reference; ours is given back at once, so nothing is left when the slide closes.
      release(cache);
    };
  } catch {
    return undefined;
  }
}

/** A NULL-terminated `const char *const *`. */
function stringList(pointer: Handle): string[] {
  const strings: string[] = [];
  const size = koffi.sizeof('void *');
  for (let index = 0; ; index++) {
    const text = koffi.decode(pointer, index * size, 'const char *') as string | null;
    if (text === null) return strings;
    strings.push(text);
  }
}
