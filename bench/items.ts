/**
 * Runs 5,000 items with an almost empty step through one foreach stage. Prints items/s, history length and
 * memory. `node dist/bench/items.js [count]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manyItems, planOf, stageIn, TestEngine } from '../test/support/engine.js';

const count = Number(process.argv[2] ?? 5000);

async function main(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));
  const engine = await TestEngine.start({ concurrency: { cpu: 32 } });
  const memory: number[] = [];
  const sampler = setInterval(() => memory.push(process.memoryUsage.rss()), 500);
  try {
    const stage = {
      name: 'items',
      source: manyItems(count),
      maxParallel: 64,
      steps: [{ uses: 'stub.light' }],
    };
    const plan = planOf(work, [stage]);
    for (const run of ['first', 'unchanged']) {
      memory.length = 0;
      const began = performance.now();
      const status = await engine.finish(plan, { run });
      const seconds = (performance.now() - began) / 1000;
      const { done, cached } = stageIn(status, 'items');
      const lengths = await historyLengths(engine, `${run}/items`);
      console.log(
        `${run}: ${done} items (${cached} up to date) in ${seconds.toFixed(1)} s = ${(count / seconds).toFixed(0)} items/s; ` +
          `${lengths.length} executions, longest history ${Math.max(...lengths)} events; ` +
          `worker memory per quarter: ${quarters(memory)}`,
      );
    }
  } finally {
    clearInterval(sampler);
    await engine.stop();
    rmSync(work, { recursive: true, force: true });
  }
}

async function historyLengths(engine: TestEngine, workflowId: string): Promise<number[]> {
  const lengths: number[] = [];
  for await (const { runId } of engine.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    const { historyLength } = await engine.client.workflow.getHandle(workflowId, runId).describe();
    lengths.push(historyLength);
  }
  return lengths;
}

/** The highest value in each quarter of the time, in MB. */
function quarters(memory: number[]): string {
  const highest = [0, 1, 2, 3].map((quarter) => {
    const part = memory.slice((quarter * memory.length) / 4, ((quarter + 1) * memory.length) / 4);
    return Math.round(Math.max(0, ...part) / 2 ** 20);
  });
  return `${highest.join(', ')} MB`;
}

await main();
