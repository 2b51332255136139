import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readLeftOut } from '../../../client/run/left-out.js';
import { writeResults } from '../../../activities/engine/results-file.js';
import type { ChainScope } from '../../../activities/engine/stage-messages.js';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import { jsonLines } from '../../../domain/json.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('skipped and failed items come from the final list of a stage, or from what it has so far', async (context) => {
  const work = temporaryFolder(context);
  const stage = (name: string) => {
    return {
      name,
      needs: [],
      state: 'running' as const,
      failures: [],
      ...zeroCounts(3),
      skipped: 1,
      failed: 1,
    };
  };
  const error = { code: 'InvalidInput', what: 'broken', facts: {} };
  const scope = { work, run: 'r', execution: 'e1' } as ChainScope;
  const result = { outputs: {}, steps: [], cached: false };
  await writeResults(scope, 'patch', 'batch-0', [
    { ...result, index: 0, key: 'a', status: 'done' },
    { ...result, index: 1, key: 'b', status: 'skipped', reason: 'no tissue' },
    { ...result, index: 2, key: 'c', status: 'failed', error },
  ]);
  const list = join(work, '.runs/r/stages/extract/e1/items.jsonl');
  mkdirSync(dirname(list), { recursive: true });
  const item = { fields: {}, outputs: {} };
  writeFileSync(
    list,
    jsonLines([
      { ...item, key: 'b', status: 'skipped', reason: 'skipped in patch: no tissue' },
      { ...item, key: 'd', status: 'skipped', reason: 'no patches' },
    ]),
  );
  const found = await readLeftOut({ work, run: 'r' }, [stage('patch'), stage('extract'), stage('unknown')]);
  assert.deepEqual(found, [
    { stage: 'patch', key: 'b', status: 'skipped', reason: 'no tissue' },
    { stage: 'patch', key: 'c', status: 'failed', reason: 'broken' },
    { stage: 'extract', key: 'd', status: 'skipped', reason: 'no patches' },
  ]);
});
