import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import { loadPipeline } from '../../../domain/engine/language/load-pipeline.js';

const registry = await loadRegistry();
const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));

/** The problems of a pipeline that extracts features and copies an output of each slide. */
function problemsOf(choice: string, output = 'sam-info'): string[] {
  const text = `pipeline: 1
name: study
stages:
  extract:
    foreach: { csv: slides.csv, as: slide, key: slide_id }
    uses: pathology.extract
    with:
      slide: '\${{ slide.path }}'
      patches: '\${{ slide.patches }}'
${choice.replace(/^/gm, '      ')}
  copy:
    needs: extract
    foreach: { from: extract, as: slide }
    uses: pipeline.copy
    with: { files: ['\${{ needs.extract.outputs.${output} }}'], to: out }
`;
  const options = { file: '/lab/study.yaml', cwd: '/home', catalog, exists: () => true };
  return loadPipeline(text, options)
    .problems.filter(({ severity }) => severity === 'error')
    .map(({ message, hint }) => `${message} (${hint ?? ''})`);
}

test('several encoders have outputs named after them or after their files', () => {
  const choice = 'encoders: [stain-texture, encoders/our model.v2.yaml]';
  for (const output of ['bag-stain-texture', 'bag-pt-stain-texture', 'bag-our-model-v2', 'sam-info'])
    assert.deepEqual(problemsOf(choice, output), []);
  assert.match(problemsOf(choice, 'bag-plip').join(), /bag-plip/);
  assert.match(problemsOf('encoder: stain-texture', 'bag-stain-texture').join(), /bag-stain-texture/);
});

test('exactly one of encoder and encoders is required, and each encoder counts once', () => {
  assert.deepEqual(problemsOf('encoder: stain-texture'), []);
  for (const [choice, message] of [
    ['batch-size: 8', /`encoder` is missing/],
    ['encoder: stain-texture\nencoders: [plip]', /`encoders` and `encoder` are both given/],
    ['encoders: [plip, plip]', /`encoders` names plip twice/],
    ['encoders: [plip]\nfallback: stain-texture', /`fallback` cannot be combined with `encoders`/],
    ['encoders: []', /encoders/],
    ['encoder: stain-texture\nprecision: fp8', /precision/],
  ] as const) {
    assert.match(problemsOf(choice).join(), message, choice);
  }
});
