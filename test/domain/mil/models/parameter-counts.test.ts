import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { openBackend } from '../../../../domain/mil/compute/backend.js';
import { modelEntry, resolveOptions } from '../../../../domain/mil/models/registry.js';
import { parameterCount } from '../../../../domain/mil/compute/parameters.js';

/** Weights of the published modules, for features of 1024 and of 512. */
const TABLE: [string, Record<string, unknown>, number, number][] = [
  ['abmil', {}, 591_619, 329_475],
  ['abmil', { scoring: 'relu' }, 591_490, 329_346],
  ['abmil-gated', {}, 657_026, 394_882],
  ['transmil', {}, 2_672_146, 2_410_002],
  ['transmil', { variant: 'baseline' }, 2_672_146, 2_410_002],
  ['dsmil', {}, 593_540, 331_396],
  // The published baseline also has an unused predictor from 512 to 2: 1,026 untrained weights.
  ['dsmil', { query: 'tanh', value: 'relu' }, 873_734 - 1026, 611_590 - 1026],
  ['mean', {}, 525_826, 263_682],
  ['max', {}, 525_826, 263_682],
  ['mean-linear', {}, 2050, 1026],
  ['simlp', {}, 525_826, 263_682],
  ['rrt-mil', { crmsaK: 1, allShortcut: true }, 2_696_450, 2_434_306],
  ['dtfd-mil', {}, 789_254, 527_110],
  ['clam-sb', {}, 790_791, 528_647],
  ['clam-mb', {}, 791_048, 528_904],
  ...(['mhim-mil', 'sam-mil'] as const).flatMap(
    (model): [string, Record<string, unknown>, number, number][] => [
      [model, { baseline: 'abmil' }, 591_490, 329_346],
      [model, { baseline: 'transmil' }, 2_672_146, 2_410_002],
      [model, { baseline: 'dsmil' }, 873_734 - 1026, 611_590 - 1026],
    ],
  ),
];

before(() => openBackend('tensorflow'));

for (const [model, given, wide, narrow] of TABLE) {
  test(`${model} ${JSON.stringify(given)} has as many weights as the published module`, async () => {
    const entry = modelEntry(model);
    const build = await entry.load();
    for (const [dim, expected] of [
      [1024, wide],
      [512, narrow],
    ]) {
      const sizes = {
        dim,
        outputs: 2,
        endpoint: 'classification' as const,
        embedDim: 512,
        attentionDim: entry.attentionDim,
        dropout: 0.25,
      };
      const { parameters } = build({ model, ...sizes, options: resolveOptions(model, given) });
      assert.equal(parameterCount(parameters), expected, `dim ${dim}`);
    }
  });
}
