/** Passes on the first value at once and then at most one per `everyMs`; those in between are dropped. */
export function throttled<T>(everyMs: number, pass: (value: T) => void): (value: T) => void {
  let last = -Infinity;
  return (value) => {
    const now = performance.now();
    if (now - last < everyMs) return;
    last = now;
    pass(value);
  };
}
