import koffi, { type LibraryHandle } from 'koffi';
import { SamMilError } from '../../errors.js';
import { openSlideLibraryPath } from '../../machine/openslide-library.js';

/** An `openslide_t *` or `openslide_cache_t *`. */
export type Handle = bigint;

/**
 * Functions of the OpenSlide C library, with their names without prefix. Sizes at a level are in pixels of
 * that level, positions in level-0 pixels.
 */
export interface OpenSlideApi {
  /** Path of the library file. */
  library: string;
  version: string;
  /** Vendor of the file, or null if no reader supports it. */
  detectVendor(path: string): string | null;
  /** Null if no reader supports the file; a handle with `error` set if a reader fails. */
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
  /** Assigns the handle a separate tile cache of this many bytes; absent before OpenSlide 4. */
  setCacheSize?(slide: Handle, bytes: number): void;
}

let loaded: OpenSlideApi | undefined;

/** Loads the library once per thread. @throws SamMilError Unavailable if it cannot be found or loaded */
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
      next: 'set OPENSLIDE_LIB to a libopenslide for this platform (the pinned one requires glibc 2.28 or newer), or unset it to download one',
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

/** The cache functions require OpenSlide 4. Version 3.4.1 of Debian 12 lacks them and reads without. */
function bindCache(library: LibraryHandle): OpenSlideApi['setCacheSize'] {
  try {
    const create = library.func('void *openslide_cache_create(size_t capacity)') as unknown as Call<Handle>;
    const attach = library.func('void openslide_set_cache(void *slide, void *cache)') as unknown as Call;
    const release = library.func('void openslide_cache_release(void *cache)') as unknown as Call;
    return (slide, bytes) => {
      const cache = create(bytes);
      attach(slide, cache);
      // The slide holds its own reference; ours is released immediately, so that nothing leaks when the slide
      // closes.
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
