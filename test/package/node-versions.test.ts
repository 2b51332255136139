import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { runCommand } from '../../domain/machine/run-command.js';
import { ensureTensorFlow } from '../../domain/machine/tensorflow.js';
import { fetchNode } from '../support/node-versions.js';
import { scratchFolder } from '../support/scratch-folder.js';

const PROGRAM = fileURLToPath(new URL('../support/natives-process.js', import.meta.url));
const folder = scratchFolder();

interface Computed {
  node: string;
  results: Record<string, string>;
}

async function compute(node: string): Promise<Computed> {
  const result = await runCommand(node, [PROGRAM, mkdtempSync(join(folder, 'node-'))], { timeout: 300_000 });
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as Computed;
}

describe('every supported Node computes the same bits with every native part', { timeout: 900_000 }, () => {
  const told: string[] = [];
  let expected: Promise<Computed> | undefined;
  after(() => console.log(told.join('\n')));

  for (const major of [20, 22, 24]) {
    test(`Node ${major}`, async (context) => {
      const fetched = await fetchNode(major);
      if ('lack' in fetched) return context.skip(fetched.lack);
      await Promise.all([ensureTensorFlow(), ensureOnnxRuntime()]);
      const found = await compute(fetched.program);
      assert.equal(Number.parseInt(found.node), major);
      told.push(`Node ${found.node}: weights ${found.results.tensorFlow.slice(0, 16)}`);
      assert.deepEqual(found.results, (await (expected ??= compute(process.execPath))).results);
    });
  }
});
