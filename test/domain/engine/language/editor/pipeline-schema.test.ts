import { Ajv } from 'ajv';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { activityReference } from '../../../../../domain/engine/language/editor/activity-reference.js';
import { pipelineSchema } from '../../../../../domain/engine/language/editor/pipeline-schema.js';
import { fixture } from '../../../../support/fixtures.js';
import { TEST_CATALOG } from '../../../../support/test-catalog.js';

const schema = pipelineSchema(TEST_CATALOG);
const validate = new Ajv({
  strict: true,
  strictRequired: false,
  strictTypes: false,
  allErrors: true,
}).compile(schema);

function valid(text: string): boolean {
  return validate(parse(text));
}

test('the schema accepts a complete file', () => {
  assert.ok(valid(readFileSync(fixture('pipelines/whole.yaml'), 'utf8')), JSON.stringify(validate.errors));
});

const STAGE = 'pipeline: 1\nname: p\nstages:\n  a: ';

const accepted = [
  '{ uses: pathology.patch, with: { slide: a.svs, patch-size: "${{ params.size }}", keep-ids: [1, "${{ params.id }}"] } }',
  '{ steps: [{ id: x, uses: pathology.patch, with: { slide: a.svs }, if: true, timeout: 1.5h }], foreach: { list: "${{ params.l }}" } }',
  '{ uses: mil.split, with: { bags: "${{ needs.a.items }}", labels: l.csv, val-ratio: 0.5 }, matrix: { from: x } }',
  '{ uses: pipeline.copy, with: { files: [], to: x }, needs: [b, c], matrix: { m: [1, a, true], exclude: [{ m: 1 }] }, min-success: 0.5 }',
];

for (const stage of accepted) {
  test(`the schema accepts ${stage}`, () => assert.ok(valid(STAGE + stage), JSON.stringify(validate.errors)));
}

const refused = [
  '{ uses: pathology.pach, with: { slide: a.svs } }',
  '{ uses: pathology.patch }',
  '{ uses: pathology.patch, with: { slides: a.svs, slide: a.svs } }',
  '{ uses: pathology.patch, with: { slide: a.svs, patch-size: big } }',
  '{ uses: pathology.patch, with: { slide: a.svs, patch-size: 0 } }',
  '{ uses: mil.split, with: { bags: bags.jsonl, labels: l.csv } }',
  '{ steps: [] }',
  '{ steps: [{ id: x, uses: pathology.patch, with: { slide: a.svs } }], with: { slide: a.svs } }',
  '{ steps: [{ id: x, uses: mil.split, with: { slide: a.svs } }] }',
  '{ uses: pipeline.copy, with: { files: [], to: x }, foreach: { glob: x, csv: y } }',
  '{ uses: pipeline.copy, with: { files: [], to: x }, foreach: { glob: x }, matrix: { from: a } }',
  '{ uses: pipeline.copy, with: { files: [], to: x }, timeout: 30 }',
  '{ uses: pipeline.copy, with: { files: [], to: x }, retries: 3 }',
];

for (const stage of refused)
  test(`the schema rejects ${stage}`, () => assert.equal(valid(STAGE + stage), false));

test('the schema rejects files of the corpus with mistakes that a schema can express', () => {
  const visible = [
    'keys',
    'missing',
    'no-stages',
    'types',
    'version',
    'with',
    'durations',
    'not-a-mapping',
    'empty',
  ];
  const names = readdirSync(fixture('pipelines/bad'));
  for (const name of visible) {
    assert.ok(names.includes(`${name}.yaml`));
    assert.equal(valid(readFileSync(fixture(`pipelines/bad/${name}.yaml`), 'utf8')), false, name);
  }
});

test('the reference page lists all parameters and outputs of each activity', () => {
  const page = activityReference(TEST_CATALOG);
  for (const [name, { with: parameters, outputs }] of Object.entries(TEST_CATALOG)) {
    const section = page.split(`\n### ${name}\n`)[1]?.split('\n### ')[0] ?? '';
    for (const key of [...Object.keys(parameters), ...Object.keys(outputs)]) {
      assert.ok(section.includes(`\`${key}\``), `${name}: ${key}`);
    }
  }
  assert.match(page, /\| \*\*`bags`\*\* \| \*items\*: bag \|/);
  assert.match(page, /\| `val-ratio` \| number, 0 to 0\.9 \|/);
  assert.match(page, /\| `preset` \| `default`, `bwh_biopsy`, `tcga` or \*file\*: preset \| `"default"` \|/);
  assert.match(page, /\| `keep-ids` \| array of integer, ≥ 0 \|/);
});
