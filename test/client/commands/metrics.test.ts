import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import pc from 'picocolors';
import { metricsTable } from '../../../client/display/metrics.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const spread = { repeats: { mean: 0.5, std: 0.125, n: 2 }, folds: { mean: 0.5, std: 0.25, n: 4 } };
const called = { auc: spread, f1: spread, accuracy: spread, recall: spread, specificity: spread };

function group(name: string, protocol: string, optimistic: boolean) {
  return {
    ...{ group: name, repeats: 2, folds: 4, slides: 24, protocol, optimistic },
    protocols: { [protocol]: called },
  };
}

async function linesOf(context: TestContext, groups: object[], columns?: number): Promise<string[]> {
  const path = join(temporaryFolder(context), 'metrics.json');
  writeFileSync(path, JSON.stringify({ protocol: 'honest', groups }));
  return metricsTable(path, pc.createColors(false), columns);
}

test('the table fits 80 columns and marks what is optimistic, even if only the epoch is', async (context) => {
  const honest = group('abmil', 'honest', false);
  const lines = await linesOf(context, [
    honest,
    group('sam-mil · pap', 'paper', false),
    group('b', 'honest', true),
  ]);
  assert.ok(
    lines.every((line) => line.length <= 80),
    lines.join('\n'),
  );
  assert.match(lines[1], /^abmil +0\.500±0\.125 /);
  assert.match(lines[2], /^sam-mil · pap \* /);
  assert.match(lines[3], /^b \* /);
  assert.deepEqual(lines.slice(4), [
    'mean ± standard deviation over the means of 2 repeats',
    '4 folds, 24 scored slides; threshold by protocol honest or paper',
    '* optimistic: the epoch or threshold was chosen on the scored slides',
  ]);
  assert.ok((await linesOf(context, [honest])).every((line) => !line.includes('optimistic')));
});

test('a note names the means that leave folds out', async (context) => {
  const some = group('abmil', 'honest', false);
  const gap = { ...spread, folds: { ...spread.folds, undefined: 1 } };
  some.protocols.honest = { ...called, recall: gap, f1: gap };
  const lines = await linesOf(context, [group('mean', 'honest', false), some]);
  assert.equal(lines.at(-1), 'F1, recall: without the folds that lack slides or calls of a class');
});

test('next to long names the last metrics are left out, and a note says so', async (context) => {
  const long = [group('sam-mil-without-consistency · honest', 'honest', false)];
  const lines = await linesOf(context, long, 80);
  assert.ok(lines.every((line) => line.length <= 80));
  assert.match(lines[0], /^ +AUC +F1 +accuracy$/);
  assert.equal(lines[4], 'not shown for lack of space: recall, specificity; see the report');
  assert.match((await linesOf(context, long))[0], /specificity$/);
});
