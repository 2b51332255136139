/**
 * Repeats a task for some seconds, at least twice, after a first time that is not counted.
 * @returns seconds of the first time, and the median of the others
 */
export async function repeat(
  seconds: number,
  task: () => Promise<void>,
): Promise<{ first: number; median: number }> {
  const first = await timed(task);
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (times.length < 2 || performance.now() < end) times.push(await timed(task));
  times.sort((a, b) => a - b);
  return { first, median: times[times.length >> 1] };
}

async function timed(task: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1000;
}
