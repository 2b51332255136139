import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import {
  checkForced,
  selectStages,
  type Selection,
} from '../../../../domain/engine/language/select-stages.js';
import { TEST_CATALOG } from '../../../support/test-catalog.js';

const TEXT = `
pipeline: 1
name: p
stages:
  prep: { foreach: { list: [a.svs, b.svs] }, uses: pathology.patch, with: { slide: "\${{ item.path }}" } }
  other: { uses: pathology.patch, with: { slide: a.svs } }
  train:
    needs: prep
    matrix: { m: [a, b], n: [0, 1] }
    uses: pipeline.copy
    with: { files: ["\${{ needs.prep.result }}"], to: "\${{ matrix.m }}" }
  eval:
    needs: train
    matrix: { from: train }
    uses: pipeline.copy
    with: { files: [], to: "\${{ matrix.m }}" }
  report: { needs: [eval, other], uses: pipeline.copy, with: { files: ["\${{ needs.other.outputs.mask }}", "\${{ needs.eval.result }}"], to: x } }
`;

const { plan } = loadPipeline(TEXT, { file: '/p.yaml', catalog: TEST_CATALOG, cwd: '/' });
assert.ok(plan);
const whole = plan;

/** The stages to run, and in parentheses the stages whose results are reused. */
function selected(selection: Selection): string {
  const { plan: part } = selectStages(whole, selection);
  return part.stages.map(({ name, reuse }) => (reuse ? `(${name})` : name)).join(' ');
}

test('--only, --until and --from select stages and mark the needed ones for reuse', () => {
  assert.equal(selected({}), 'prep other train eval report');
  assert.equal(selected({ only: ['train'] }), '(prep) train');
  assert.equal(selected({ only: ['eval', 'prep'] }), 'prep (train) eval');
  assert.equal(selected({ until: ['train'] }), 'prep train');
  assert.equal(selected({ until: ['report'] }), 'prep other train eval report');
  assert.equal(selected({ from: ['eval'] }), '(prep) (other) (train) eval report');
  assert.equal(selected({ from: ['train'], until: ['eval'] }), '(prep) train eval');
});

test('--only STAGE@item selects items of a stage', () => {
  assert.deepEqual(selectStages(whole, { only: ['train@b-1', 'train@a-0'] }).items, {
    train: ['b-1', 'a-0'],
  });
  assert.deepEqual(selectStages(whole, { only: ['eval@b-1'] }).items, { eval: ['b-1'] });
  assert.deepEqual(selectStages(whole, { only: ['prep@any-key@x'] }).items, { prep: ['any-key@x'] });
  assert.deepEqual(selectStages(whole, { only: ['train@b-1', 'train'] }).items, {});
});

test('a stage or item that does not exist is rejected with suggestions', () => {
  const refused: [Selection, RegExp][] = [
    [{ only: ['trian'] }, /stage `trian` does not exist.*did you mean `train`/],
    [{ until: ['nothing'] }, /stages: prep, other, train, eval, report/],
    [{ only: ['train@a-2'] }, /no item `a-2`.*did you mean `a-/],
    [{ only: ['eval@zzzz'] }, /no item `zzzz`.*items: a-0, a-1, b-0, b-1/],
    [{ only: ['train@'] }, /no item ``/],
    [{ only: ['train'], from: ['eval'] }, /--only cannot be combined/],
    [{ from: ['report'], until: ['prep'] }, /no stage is between/],
  ];
  for (const [selection, message] of refused) {
    assert.throws(() => selectStages(whole, selection), { name: 'InvalidInput', message });
  }
});

test('--force with a stage or item that does not exist is rejected, not ignored', () => {
  checkForced(whole, ['*', 'train', 'train@b-1', 'prep@any-key']);
  checkForced(whole);
  assert.throws(() => checkForced(whole, ['train', 'trian']), {
    name: 'InvalidInput',
    message: /stage `trian` does not exist/,
  });
  assert.throws(() => checkForced(whole, ['train@c-9']), { name: 'InvalidInput', message: /no item `c-9`/ });
});
