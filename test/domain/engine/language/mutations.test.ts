import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import { hasErrors } from '../../../../domain/engine/language/problems/problems.js';
import { NO_PAINT, renderProblems } from '../../../../domain/engine/language/problems/render-problems.js';
import { RandomStream } from '../../../../domain/random.js';
import { fixture } from '../../../support/fixtures.js';
import { TEST_CATALOG } from '../../../support/test-catalog.js';

const file = fixture('pipelines/whole.yaml');
const whole = readFileSync(file, 'utf8');

const PIECES = [
  '',
  ' ',
  '  ',
  '\n',
  '\t',
  ':',
  ': ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '&a ',
  '*a',
  '!x ',
  '#',
  '|',
  '>',
  '? ',
  '<<: ',
  '${{',
  '}}',
  'null',
  '0',
  '-1',
  '.inf',
  'true',
  '~',
  '../',
  '\u0000',
  '\uFEFF',
  '😀',
  'needs',
  'steps',
  'matrix',
  '__proto__',
  'constructor',
  '---\n',
];

/**
 * Returns the text with a few random changes: lines are removed or duplicated, and parts of lines are
 * replaced.
 */
function mutated(text: string, random: RandomStream): string {
  const lines = text.split('\n');
  for (let change = random.below(3); change >= 0; change--) {
    const at = random.below(lines.length);
    const kind = random.below(5);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(at, 0, lines[random.below(lines.length)]);
    else {
      const line = lines[at] ?? '';
      const from = random.below(line.length + 1);
      lines[at] =
        line.slice(0, from) + PIECES[random.below(PIECES.length)] + line.slice(from + random.below(6));
    }
  }
  return lines.join('\n');
}

test('a damaged file is rejected or planned, all places are inside it, and nothing is ever thrown', () => {
  let refused = 0;
  const rounds = 60;
  for (let round = 0; round < rounds; round++) {
    const text = mutated(whole, new RandomStream('mutations', round));
    const { problems, plan } = loadPipeline(text, { file, catalog: TEST_CATALOG, cwd: '/' });
    assert.equal(plan === undefined, hasErrors(problems), `round ${round}`);
    if (plan === undefined) refused++;
    const lines = text.replace(/^\uFEFF/, '').split('\n');
    for (const { place, message, code } of problems) {
      const line = lines[place.line - 1];
      assert.ok(
        line !== undefined && place.column >= 1 && place.length >= 1,
        `round ${round}: ${code} ${message}`,
      );
      assert.ok(
        place.column - 1 <= line.length,
        `round ${round}: ${code} at ${place.line}:${place.column} ${message}`,
      );
    }
    renderProblems(problems, text, 'x.yaml');
  }
  assert.ok(refused > rounds / 3, `${refused} of ${rounds} rejected`);
});

test('rendering adds colors, removes control characters, and shows an excerpt of a long line', () => {
  const paint = {
    ...NO_PAINT,
    error: (text: string) => `<e>${text}</e>`,
    strong: (text: string) => `<b>${text}</b>`,
  };
  const long = `pipeline: 1\nname: p\n${'x'.repeat(200)}\u001b[31m: 1\nstages: {}\n`;
  const { problems } = loadPipeline(long, { file, catalog: TEST_CATALOG, cwd: '/' });
  const text = renderProblems(problems, long, 'x.yaml', paint);
  assert.match(text, /^<b>x\.yaml:3:1<\/b> {2}<e>error<\/e> unknown-key {2}the pipeline has no key/);
  assert.ok(!text.includes('\u001b'));
  assert.ok(text.includes(`\n      | <e>${'^'.repeat(120)}</e>\n`), text);
  const other = new Map([['over.yaml', 'name: 1\nlist: 2\n']]);
  const problem = {
    code: 'wrong-type',
    severity: 'error',
    message: 'm',
    place: { line: 2, column: 7, length: 1 },
    file: 'over.yaml',
  } as const;
  assert.equal(
    renderProblems([problem], 'text', 'x.yaml', NO_PAINT, other),
    'over.yaml:2:7  error wrong-type  m\n    2 | list: 2\n      |       ^',
  );
});
