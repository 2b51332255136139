import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Registry } from '../../../../activities/define/registry.js';
import { plugins } from '../../../../activities/plugins/index.js';
import { createCatalog } from '../../../../client/run/load-file.js';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import { renderProblems } from '../../../../domain/engine/language/problems/render-problems.js';
import { fixture } from '../../../support/fixtures.js';

/** A pipeline like those that ship, with one mistake. */
interface BrokenPipeline {
  title: string;
  /** Name of the pipeline without the mistake. */
  of: string;
  from: string;
  to: string;
  /** Text of the line where it is reported, if that is not the first changed line. */
  at?: string;
}

/**
 * Three pipelines with one mistake each, as a person makes it. After an intended change, run this test
 * with UPDATE_GOLDEN=1 and read the difference: each message must name the mistake and what to write.
 */
const folder = fixture('pipelines/broken');
const mistakes = JSON.parse(readFileSync(join(folder, 'mistakes.json'), 'utf8')) as BrokenPipeline[];
const golden = join(folder, 'expected.txt');
const expected = new Map(
  (existsSync(golden) ? readFileSync(golden, 'utf8') : '').split(/^=== /m).map((part) => {
    const [title, ...lines] = part.split('\n');
    return [title, lines.join('\n').trim()];
  }),
);
const found = new Map<string, string>();
const catalog = createCatalog(new Registry(plugins));

function broken({ of, from, to, title }: BrokenPipeline): { text: string; changed: number } {
  const source = readFileSync(join(folder, `${of}.yaml`), 'utf8');
  assert.ok(source.includes(from), `${title}: ${of}.yaml does not contain the text to change`);
  const text = source.replace(from, () => to);
  let same = 0;
  while (source[same] === text[same]) same++;
  return { text, changed: text.slice(0, same).split('\n').length };
}

test('without the mistakes, the pipelines have no problems', () => {
  for (const of of new Set(mistakes.map((mistake) => mistake.of))) {
    const file = join(folder, `${of}.yaml`);
    const options = { file, catalog, cwd: folder, withoutValues: true };
    assert.deepEqual(loadPipeline(readFileSync(file, 'utf8'), options).problems, []);
  }
});

for (const mistake of mistakes) {
  test(`${mistake.title}: one or two problems, the first at the mistake, saying what to write`, () => {
    const { text, changed } = broken(mistake);
    const { problems } = loadPipeline(text, {
      file: join(folder, `${mistake.of}.yaml`),
      catalog,
      cwd: folder,
      withoutValues: true,
    });
    const errors = problems.filter(({ severity }) => severity === 'error');
    const rendered = renderProblems(problems, text, `${mistake.of}.yaml`);
    found.set(mistake.title, rendered);
    assert.ok(errors.length === 1 || errors.length === 2, rendered);
    const line =
      mistake.at === undefined ? changed : text.split('\n').indexOf(mistake.at, Math.max(0, changed - 8)) + 1;
    assert.equal(problems[0].place.line, line, rendered);
    if (!process.env.UPDATE_GOLDEN) assert.equal(rendered, expected.get(mistake.title));
  });
}

after(() => {
  if (!process.env.UPDATE_GOLDEN) return;
  writeFileSync(golden, [...found].map(([title, text]) => `=== ${title}\n${text}\n`).join('\n'));
});
