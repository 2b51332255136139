import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import glob from 'fast-glob';
import { checkout } from '../support/fixtures.js';

/** What a page says about the checkout must hold: files move, and prose does not notice. */

const pages = glob.sync('**/*.md', {
  cwd: checkout,
  dot: true,
  ignore: ['**/node_modules/**', 'dist/**', 'work/**'],
});

const read = (name: string) => readFileSync(join(checkout, name), 'utf8');
const withoutFences = (text: string) => text.replaceAll(/^ *```[^]*?^ *```$/gm, '');

/** The fragment that a heading gets on the usual hosts. */
function fragmentOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function fragmentsOf(page: string): string[] {
  return [...withoutFences(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => fragmentOf(heading));
}

function brokenLinks(page: string): string[] {
  const links = [...withoutFences(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path, fragment] = link.split('#');
    const target = path === '' ? page : relative(checkout, join(checkout, dirname(page), path));
    if (!existsSync(join(checkout, target))) return true;
    return fragment !== undefined && !fragmentsOf(target).includes(fragment);
  });
}

/** Inline code that names a file or folder of the sources, without placeholders. */
function missingSources(page: string): string[] {
  const names = [...withoutFences(read(page)).matchAll(/`([^`\s]+)`/g)].map(([, name]) => name);
  return names
    .filter((name) => /^(?:domain|activities|workflows|client|test|bench|pipelines)\//.test(name))
    .filter((name) => !/[<*{]/.test(name) && !existsSync(join(checkout, name)));
}

test('there are pages to check', () => {
  assert.ok(pages.length > 15, `${pages.length}`);
});

for (const page of pages) {
  test(`${page}: links lead to a file and a heading, named sources exist`, () => {
    assert.deepEqual(brokenLinks(page), []);
    assert.deepEqual(missingSources(page), []);
  });
}

test('every script that a page runs with `npm run` is in package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
  );
  assert.deepEqual(
    named.filter((name) => !Object.hasOwn(scripts, name)),
    [],
  );
});

test('the README says what the project is before the two commands, and shows them before any picture', () => {
  const text = read('README.md');
  const [sentence, start, tests, picture] = [/^sam-mil .+/m, /^npm start/m, /^npm test/m, /!\[/].map(
    (pattern) => text.search(pattern),
  );
  assert.ok(0 < sentence && sentence < start && start < tests && tests < picture);
});
