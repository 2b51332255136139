import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPlugin } from '../../../activities/plugins/find-plugin.js';
import { digestOfPlugin } from '../../../activities/plugins/plugin-code.js';
import { greetingCode, writePluginPackage, writeTree } from '../../support/plugin-package.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const digestAt = (path: string) => digestOfPlugin(findPlugin(path, '/'));

test('the digest of a package covers its own code, name and version, and nothing else in its folder', (context) => {
  const folder = writePluginPackage(join(temporaryFolder(context), 'greeter'), {
    files: { 'src/words.json': '["Hello"]', 'src/use-words.js': "new URL('./words.json', import.meta.url)" },
  });
  const first = digestAt(folder);
  const changes = (files: Record<string, string>) => {
    writeTree(folder, files);
    return digestAt(folder) !== first;
  };
  assert.match(first, /^sha256:[0-9a-f]{64}$/);
  assert.ok(
    !changes({ 'README.md': 'a', 'src/index.ts': 'a', 'data.json': '1', 'node_modules/x/index.js': 'a' }),
  );
  assert.ok(
    !changes({ 'work/study/.runs/x/plan.json': '1', 'work/study/made/out.js': 'a', '.cache/a.js': 'a' }),
  );
  assert.ok(changes({ 'src/greet.js': greetingCode('Bye') }));
  assert.ok(!changes({ 'src/greet.js': greetingCode('Hello') }), 'the old content is the old code');
  assert.ok(changes({ 'src/words.json': '["Hi"]' }), 'JSON that the code names');
  assert.ok(!changes({ 'src/words.json': '["Hello"]' }));
  const copy = join(temporaryFolder(context), 'elsewhere');
  cpSync(folder, copy, { recursive: true });
  assert.equal(digestAt(copy), first, 'the place does not matter');
  assert.ok(changes({ 'package.json': '{"name":"greeter","version":"1.0.1","main":"src/index.js"}' }));
});

test('the digest of a single module covers the modules that it imports by a relative path, directly or not', (context) => {
  const folder = temporaryFolder(context);
  writeTree(folder, {
    'lab.js':
      "import './lib/a.js';\nconst later = () => import('./lib/b.js');\nexport const plugin = { name: 'lab', activities: [] };",
    'lib/a.js': "import '../c.js';",
    'lib/b.js': '',
    'c.js': "import 'zod';",
    'other.js': '',
  });
  const module = join(folder, 'lab.js');
  const first = digestAt(module);
  for (const [name, counts] of [
    ['other.js', false],
    ['lib/b.js', true],
    ['c.js', true],
    ['lab.js', true],
  ] as const) {
    const before = digestAt(module);
    writeFileSync(join(folder, name), '// edited');
    assert.equal(digestAt(module) !== before, counts, name);
  }
  assert.notEqual(digestAt(module), first);
});

test('a plugin with more code than can be read at each start is refused', (context) => {
  const folder = writePluginPackage(join(temporaryFolder(context), 'greeter'));
  writeFileSync(join(folder, 'src', 'large.js'), Buffer.alloc(33 * 2 ** 20, 32));
  assert.throws(() => digestAt(folder), {
    problem: 'bad-plugin',
    message: /more code than.*at most 2000 code files and 32 MiB/,
  });
});
