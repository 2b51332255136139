/** Passes on the first value immediately and then at most one per `everyMs`; drops those in between. */
export function throttled<T>(everyMs: number, pass: (value: T) => void): (value: T) => void {
  let last = -Infinity;
  return (value) => {
    const now = performance.now();
    if (now - last < everyMs) return;
    last = now;
    pass(value);
  };
}
