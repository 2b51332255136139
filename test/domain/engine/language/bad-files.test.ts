import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import { PROBLEM_CODES } from '../../../../domain/engine/language/problems/problem-codes.js';
import { renderProblems } from '../../../../domain/engine/language/problems/render-problems.js';
import { hasErrors } from '../../../../domain/engine/language/problems/problems.js';
import { fixture } from '../../../support/fixtures.js';
import { TEST_CATALOG } from '../../../support/test-catalog.js';

/**
 * Compares the rendered problems of every file in the corpus with the expected text: codes, places, carets,
 * hints. After an intended change, run this test with UPDATE_GOLDEN=1 and review the difference.
 */
const folder = fixture('pipelines/bad');
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const seen = new Set<string>();

for (const file of files) {
  test(`problems of ${file} are reported as expected`, () => {
    const text = readFileSync(join(folder, file), 'utf8');
    const options = {
      file: `/pipelines/${file}`,
      catalog: TEST_CATALOG,
      cwd: '/home',
      withoutValues: true,
    };
    const { problems, plan } = loadPipeline(text, options);
    for (const { code } of problems) seen.add(code);
    const rendered = `${renderProblems(problems, text, file)}\n`;
    const golden = join(folder, file.replace(/\.yaml$/, '.expected.txt'));
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, rendered);
    assert.equal(rendered, readFileSync(golden, 'utf8'));
    assert.ok(problems.length > 0);
    assert.equal(plan === undefined, hasErrors(problems));
  });
}

/** Codes whose cause is outside a single file. Each has a separate test. */
const ELSEWHERE = [
  'file-too-large',
  'too-deep',
  'unknown-param',
  'missing-param',
  'missing-file',
  'missing-resource',
  // The catalog of plugins is created outside the language, see test/client/plugins.test.ts.
  'unknown-plugin',
  'bad-plugin',
  'plugin-clash',
];

test('the corpus covers every code', () => {
  const codes = Object.keys(PROBLEM_CODES).filter((code) => !ELSEWHERE.includes(code));
  assert.deepEqual(
    codes.filter((code) => !seen.has(code)),
    [],
  );
});
