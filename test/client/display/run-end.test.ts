import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pc from 'picocolors';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import { resultLines } from '../../../client/display/run-end.js';
import type { Plan } from '../../../domain/engine/language/plan/plan.js';
import { digestOf } from '../../../domain/digest.js';
import type { StageStatus } from '../../../workflows/messages.js';
import { writeReceipt } from '../../support/records.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a report of an earlier run is not shown as the result of a run that did not reach it', async (context) => {
  const work = temporaryFolder(context);
  mkdirSync(join(work, 'report'));
  writeFileSync(join(work, 'report/report.html'), '<html></html>');
  const outputs = { report: { path: 'report/report.html', digest: digestOf(''), bytes: 13 } };
  writeReceipt(work, { stage: 'report', item: 'report', step: 'report' }, outputs);
  const stage = { name: 'report', steps: [{ id: 'report', uses: 'pipeline.report', with: {} }] };
  const plan = { work, stages: [stage] } as unknown as Plan;
  const linesOf = async (state: StageStatus['state']) => {
    const counts = { ...zeroCounts(1), done: 1 };
    const status = {
      ...{ run: 'p-1', pipeline: 'p', work, state: 'done' as const, startedAt: 0, message: 'done' },
      stages: [{ name: 'report', needs: [], state, failures: [], ...counts }],
    };
    const entry = { run: 'p-1', work, server: 'embedded', namespace: 'default', started: 0 };
    return resultLines(entry as never, () => plan, { ended: 'result', status }, pc.createColors(false));
  };
  assert.ok((await linesOf('done')).some((line) => /^Report {3}\S+report\.html$/.test(line)));
  const waiting = await linesOf('waiting');
  assert.ok(waiting.some((line) => /none from this run; an earlier one is in \S+report\.html/.test(line)));
});
