/**
 * What glibc's allocator is told in a child. By default it hands every large block back to the system as soon as it is freed, and a training step
 * frees and asks for the same few megabytes dozens of times: each time the pages come back one fault at a time and zeroed. Kept, a step of AB-MIL takes a
 * tenth less, for at most 256 MB that an idle child holds longer. Other allocators do not look at these names.
 */
const ALLOCATOR = {
  // The largest that every glibc accepts; blocks above it are mapped one by one as before.
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(256 * 2 ** 20),
};

/** The environment of a child: the worker's own, whose settings win. */
export function childEnvironment(): NodeJS.ProcessEnv {
  return { ...ALLOCATOR, ...process.env };
}
