import assert from 'node:assert/strict';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FUNCTIONS } from '../../../../domain/engine/language/expressions/syntax.js';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import { PARAM_TYPES } from '../../../../domain/engine/language/read/param-types.js';
import { pipelineSchema } from '../../../../domain/engine/language/editor/pipeline-schema.js';
import { RETRY_DEFAULTS } from '../../../../domain/engine/language/planner.js';
import { PROBLEM_CODES } from '../../../../domain/engine/language/problems/problem-codes.js';
import { isJsonObject, type Json } from '../../../../domain/json.js';
import { TEST_CATALOG } from '../../../support/test-catalog.js';
import { checkout } from '../../../support/fixtures.js';

const read = (name: string) => readFileSync(join(checkout, 'docs', `${name}`), 'utf8');
const language = read('pipeline-language.md');
const problems = read('problems.md');

test('docs/problems.md documents exactly the existing codes', () => {
  const documented = [...problems.matchAll(/^### `([a-z-]+)`$/gm)].map(([, code]) => code);
  assert.deepEqual(documented.sort(), Object.keys(PROBLEM_CODES).sort());
});

test('docs/pipeline-language.md documents every key, function and param type', () => {
  const { definitions, properties } = pipelineSchema(TEST_CATALOG) as Record<string, Record<string, Json>>;
  const keysOf = (schema: Json): string[] =>
    isJsonObject(schema) && isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const { stage, step, foreach, matrix, param } = definitions;
  const retry = isJsonObject(stage) && isJsonObject(stage.properties) ? keysOf(stage.properties.retry) : [];
  const keys = [
    ...Object.keys(properties),
    ...[stage, step, foreach, matrix, param].flatMap(keysOf),
    ...retry,
  ];
  assert.ok(keys.length > 40);
  const missing = [...new Set(keys), ...PARAM_TYPES].filter(
    (key) => !new RegExp(`\`${key}[\`:]`).test(language),
  );
  assert.deepEqual(missing, []);
  const functions = Object.keys(FUNCTIONS).filter((name) => !language.includes(`\`${name}(`));
  assert.deepEqual(functions, []);
});

test('docs/pipeline-language.md states the defaults that the planner uses', () => {
  const { maxAttempts, initialInterval, backoffCoefficient, maximumInterval } = RETRY_DEFAULTS;
  const rows = [
    ...language.matchAll(
      /^\| `(max-attempts|initial-interval|backoff-coefficient|maximum-interval)` *\|.*\|([^|]+)\|$/gm,
    ),
  ];
  const stated = Object.fromEntries(rows.map(([, key, value]) => [key, value.trim()]));
  assert.deepEqual(stated, {
    'max-attempts': String(maxAttempts),
    'initial-interval': initialInterval,
    'backoff-coefficient': String(backoffCoefficient),
    'maximum-interval': maximumInterval,
  });
});

test('the complete example in docs/pipeline-language.md has no problems', () => {
  const [, text] = /## A whole file\n\n```yaml\n([\s\S]*?)```/.exec(language) ?? [];
  const options = {
    file: '/p.yaml',
    catalog: TEST_CATALOG,
    cwd: '/',
    set: [['slides', '/data']] as const,
  };
  const { problems: found, plan } = loadPipeline(text, options);
  assert.deepEqual(found, []);
  assert.deepEqual(
    plan?.stages.map(({ name }) => name),
    ['preprocess', 'split', 'train'],
  );
});
