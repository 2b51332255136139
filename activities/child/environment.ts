/**
 * What glibc's allocator is told in a child. By itself it hands freed blocks back to the system from a size on that it adapts to what it sees, and a
 * training step frees and asks for the same few megabytes dozens of times: those that were handed back return one page fault at a time, zeroed. With fixed
 * sizes they are kept, and a step of AB-MIL takes a tenth less; a child may hold some hundred MB more between jobs. Other allocators do not look at these
 * names.
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
