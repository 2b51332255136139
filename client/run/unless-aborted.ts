/**
 * The promise's value. Rejects with the signal's reason if that is aborted first.
 * @param grace milliseconds that the promise still has after the signal
 */
export function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal, grace = 0): Promise<T> {
  if (signal === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const aborted = new Promise<never>((_, fail) => {
    const giveUp = () => (timer = setTimeout(() => fail(signal.reason as Error), grace));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => clearTimeout(timer));
}
