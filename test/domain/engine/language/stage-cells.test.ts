import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateTemplate } from '../../../../domain/engine/language/expressions/template.js';
import { selectStages, type Selection } from '../../../../domain/engine/language/select-stages.js';
import { planned, stageOf as stage } from '../../../support/planned.js';

const CELLS = `pipeline: 1
name: cells
params: { magnifications: { type: list, items: integer, default: [10, 20] } }
stages:
  patch:
    foreach: { glob: 'slides/*.svs', as: slide }
    matrix: { magnification: '\${{ params.magnifications }}' }
    uses: pathology.patch
    with: { slide: '\${{ slide.path }}', magnification: '\${{ matrix.magnification }}' }
  extract:
    needs: patch
    foreach: { from: patch, as: slide }
    matrix: { encoder: [resnet50, uni] }
    if: "\${{ needs.patch.result == 'success' }}"
    uses: pathology.extract
    with: { slide: '\${{ slide.path }}', patches: '\${{ needs.patch.outputs.patches }}', encoder: '\${{ matrix.encoder }}' }
  split:
    needs: extract
    uses: mil.split
    with: { bags: "\${{ needs.extract.cells['20-uni'].items }}", labels: labels.csv }
  train:
    needs: [extract, split]
    matrix: { encoder: [resnet50, uni], magnification: [10, 20], fold: [0, 1] }
    uses: mil.train-fold
    with:
      bags: '\${{ needs.extract.cells[matrix].items }}'
      splits: '\${{ needs.split.outputs.splits }}'
      model: abmil
      repeat: 0
      fold: '\${{ matrix.fold }}'
`;

test('a stage with foreach and matrix becomes one stage per cell, which stages from it follow', () => {
  const plan = planned(CELLS);
  assert.deepEqual(
    plan.stages.map(({ name, of, needs }) => [name, of, needs]),
    [
      ['patch-10', 'patch', []],
      ['patch-20', 'patch', []],
      ['extract-10-resnet50', 'extract', ['patch-10']],
      ['extract-10-uni', 'extract', ['patch-10']],
      ['extract-20-resnet50', 'extract', ['patch-20']],
      ['extract-20-uni', 'extract', ['patch-20']],
      [
        'split',
        undefined,
        ['extract-10-resnet50', 'extract-10-uni', 'extract-20-resnet50', 'extract-20-uni'],
      ],
      [
        'train',
        undefined,
        ['extract-10-resnet50', 'extract-10-uni', 'extract-20-resnet50', 'extract-20-uni', 'split'],
      ],
    ],
  );
  assert.equal(stage(plan, 'patch-20').steps[0].with.magnification, 20);
  const extract = stage(plan, 'extract-20-uni');
  assert.deepEqual(extract.source, { kind: 'from', stage: 'patch-20', as: 'slide' });
  assert.equal(extract.if, "needs.patch-20.result == 'success'");
  assert.deepEqual(extract.steps[0].with, {
    slide: '${{ slide.path }}',
    patches: '${{ needs.patch-20.outputs.patches }}',
    encoder: 'uni',
  });
  assert.equal(stage(plan, 'split').steps[0].with.bags, '${{ needs.extract-20-uni.items }}');
  const { bags } = stage(plan, 'train').steps[0].with;
  const lists = { 'extract-10-resnet50': { items: 'a' }, 'extract-20-uni': { items: 'b' } };
  const bagsOf = (magnification: number, encoder: string) =>
    evaluateTemplate(bags, { needs: lists, matrix: { magnification, encoder, fold: 0 } });
  assert.equal(bagsOf(10, 'resnet50'), 'a');
  assert.equal(bagsOf(20, 'uni'), 'b');
});

test('a selection names a stage with cells as in the file, or one of its cells', () => {
  const plan = planned(CELLS);
  const run = (selection: Selection) => {
    const { plan: part, items } = selectStages(plan, selection);
    return [part.stages.filter(({ reuse }) => !reuse).map(({ name }) => name), items];
  };
  assert.deepEqual(run({ until: ['patch'] }), [['patch-10', 'patch-20'], {}]);
  assert.deepEqual(run({ only: ['extract-20-uni'] }), [['extract-20-uni'], {}]);
  assert.deepEqual(run({ only: ['patch@slide_03'] }), [
    ['patch-10', 'patch-20'],
    { 'patch-10': ['slide_03'], 'patch-20': ['slide_03'] },
  ]);
  assert.throws(() => run({ only: ['patsh'] }), /did you mean `patch`/);
});
