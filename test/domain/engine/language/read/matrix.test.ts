import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, planned, stageOf as stage } from '../../../../support/planned.js';

test('matrix: include extends matching cells or adds new ones, exclude removes matching cells', () => {
  const plan = planned(`
pipeline: 1
name: p
stages:
  a:
    matrix:
      model: [abmil, max]
      fold: [0, 1]
      exclude: [{ model: max, fold: 1 }]
      include:
        - { model: abmil, lr: 0.1 }
        - { model: mean, fold: 9, lr: 0.5 }
    uses: pathology.patch
    with: { slide: "\${{ matrix.model }}-\${{ matrix.fold }}-\${{ default(matrix.lr, 0) }}" }
`);
  const { source } = stage(plan, 'a');
  assert.deepEqual(source.kind === 'matrix' && source.cells, [
    { key: 'abmil-0', values: { model: 'abmil', fold: 0, lr: 0.1 } },
    { key: 'abmil-1', values: { model: 'abmil', fold: 1, lr: 0.1 } },
    { key: 'max-0', values: { model: 'max', fold: 0 } },
    { key: 'mean-9-0.5', values: { model: 'mean', fold: 9, lr: 0.5 } },
  ]);
});

test('several matrices: their cells are combined, and a value that only some cells have is read with default', () => {
  const text = (second: string) => `
pipeline: 1
name: p
stages:
  a:
    matrix:
      - { sweep: [alpha], alpha: [0, 0.5], fold: [0, 1] }
      - ${second}
    uses: pathology.patch
    with: { slide: "\${{ matrix.fold }}-\${{ default(matrix.alpha, 'none') }}-\${{ default(matrix.beta, 'none') }}-\${{ matrix.sweep }}" }
`;
  const { source } = stage(planned(text('{ sweep: [beta], beta: [0.5], fold: [0] }')), 'a');
  assert.deepEqual(source.kind === 'matrix' && source.cells.map(({ key }) => key), [
    'alpha-0-0',
    'alpha-0-1',
    'alpha-0.5-0',
    'alpha-0.5-1',
    'beta-0.5-0',
  ]);
  assert.deepEqual(source.kind === 'matrix' && source.cells[4].values, { sweep: 'beta', beta: 0.5, fold: 0 });
  const found = (second: string) => load(text(second)).problems.map(({ message }) => message);
  assert.match(
    found('{ sweep: [alpha], beta: [0.5], fold: [0] }').join(),
    /two cells have the key `alpha-0.5-0`/,
  );
  assert.match(found('3').join(), /`matrix` must be a mapping of keys to values, found the number 3/);
  assert.match(found('{ beta: "\${{ range(1000) }}" }').join(), /1004 cells in total; at most 1000/);
});

test('both sides of choose and of default are checked against the parameter', () => {
  const problems = (slide: string) =>
    load(`
pipeline: 1
name: p
stages:
  a:
    matrix: { kind: [x, y] }
    steps:
      - { id: patch, uses: pathology.patch, with: { slide: a.svs } }
      - { id: again, uses: pathology.patch, with: { slide: "\${{ ${slide} }}" } }
`).problems.map(({ code }) => code);
  const count = 'steps.patch.outputs.count';
  assert.deepEqual(problems("choose(matrix.kind == 'x', 'a.svs', 'b.svs')"), []);
  assert.deepEqual(problems(`choose(matrix.kind == 'x', 'a.svs', ${count})`), ['wrong-kind']);
  assert.deepEqual(problems(`choose(matrix.kind == 'x', ${count}, 'a.svs')`), ['wrong-kind']);
  assert.deepEqual(problems(`default(${count}, 'a.svs')`), ['wrong-kind']);
});

test('an axis that selects further values is not reported as unused', () => {
  const warnings = (include: string) =>
    load(`
pipeline: 1
name: p
stages:
  a:
    matrix: { variant: [small, large], include: [{ variant: small, size: 1 }, { variant: large, size: ${include} }] }
    uses: pathology.patch
    with: { slide: a.svs, patch-size: "\${{ matrix.size }}" }
`).problems.map(({ message }) => message);
  assert.deepEqual(warnings('2'), []);
  assert.match(warnings('1').join(), /cells that differ only in `variant` do the same/);
});
