import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MetricsFile } from '../../../../domain/mil/evaluate/metrics-file.js';
import { readMetricsFile } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import { readPredictions } from '../../../../domain/mil/evaluate/predictions-file.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';
import { SCORED, writeSmallEvaluation } from '../../../support/small-evaluation.js';

const folder = scratchFolder();
const files = writeSmallEvaluation(folder);
const metricsPath = join(folder, 'damaged.json');
const predictionsPath = join(folder, 'damaged.csv');

test('a metrics file with missing, impossible or contradicting numbers is refused by name', () => {
  const sound = readFileSync(join(folder, files.metrics.to), 'utf8');
  const refused = (words: string[], edit: (metrics: MetricsFile) => void) => {
    const metrics = JSON.parse(sound) as MetricsFile;
    edit(metrics);
    writeFileSync(metricsPath, JSON.stringify(metrics));
    expectError('InvalidInput', [metricsPath, ...words], () => readMetricsFile(metricsPath));
  };
  writeFileSync(metricsPath, sound);
  assert.equal(readMetricsFile(metricsPath).slides, 8);
  refused(['`classes`'], (metrics) => delete (metrics as Partial<MetricsFile>).classes);
  refused(['`rank.auc`', '1.2'], ({ rank }) => (rank.auc = 1.2));
  refused(['`protocols.paper.f1`', 'text'], ({ protocols }) => (protocols.paper.f1 = '1' as never));
  refused(['`metrics`'], (metrics) => (metrics.metrics = 2 as never));
  refused(['9 slides, but counts of 8'], (metrics) => (metrics.slides = 9));
  refused(['equal class names'], (metrics) => (metrics.classes = ['a', 'a']));
  refused(['counts of a, b'], (metrics) => (metrics.classes = ['a', 'c']));
  refused(['confusion matrix (honest)'], ({ protocols }) => protocols.honest.confusion[0][0]++);
  refused(['confusion matrix (paper)'], ({ protocols }) => (protocols.paper.confusion = [[8]]));
});

test('predictions that are no probabilities, or that name a slide twice, are refused by line', () => {
  const sound = readFileSync(join(folder, files.predictions.to), 'utf8');
  const refused = (words: string[], from: string, to: string) => {
    assert.ok(sound.includes(from));
    writeFileSync(predictionsPath, sound.replace(from, to));
    expectError('InvalidInput', words, () => readPredictions(predictionsPath, ['a', 'b']));
  };
  writeFileSync(predictionsPath, sound);
  assert.deepEqual(readPredictions(predictionsPath, ['a', 'b']), SCORED);
  refused([`${predictionsPath}:3`, '1.2'], 's1,b,0.8,0.2', 's1,b,-0.2,1.2');
  refused([`${predictionsPath}:3`, 'summing to 1'], 's1,b,0.8,0.2', 's1,b,0.8,0.8');
  refused([`${predictionsPath}:3`, '"s0" has two'], 's1,b', 's0,b');
  refused([`${predictionsPath}:3`], 's1,b', 's1,c');
  refused([`${predictionsPath}:3`], 's1,b', ',b');
});
