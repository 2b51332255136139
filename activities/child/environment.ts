/**
 * Settings of glibc's allocator in a child. By default it returns freed blocks above an adaptive size to the
 * system, and a training step frees and allocates the same few megabytes dozens of times: returned blocks
 * come back zeroed, one page fault at a time. Fixed sizes keep them, which makes a step of AB-MIL a tenth
 * faster; a child may use some hundred MB more between jobs. Other allocators ignore these variables.
 */
const ALLOCATOR = {
  // The largest value that every glibc accepts; larger blocks are still mapped one by one.
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(256 * 2 ** 20),
};

/** Returns the environment of a child: the worker's own, which overrides these settings. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return { ...ALLOCATOR, ...process.env };
}
