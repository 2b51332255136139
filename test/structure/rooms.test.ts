import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ESLint } from 'eslint';
import { plugins } from '../../activities/plugins/index.js';
import { checkout } from '../support/fixtures.js';
import { temporaryFolder } from '../support/temporary-folder.js';

interface Rooms {
  FLOORS: string[][];
  ROOMS: string[];
  mayImport(from: string, to: string): boolean;
  zones(): { target: string; from: string[]; message: string }[];
}

let rooms: Rooms;
before(async () => {
  rooms = (await import(pathToFileURL(join(checkout, 'test/structure/rooms.mjs')).href)) as Rooms;
});

/** A source file of the room itself, not of a room inside it. */
function fileOf(room: string): string {
  const names = readdirSync(join(checkout, room), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(checkout, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  const own = names.filter((name) => !name.startsWith('node_modules/') && roomOf(name) === room);
  assert.ok(own.length > 0, `no source file in ${room}`);
  return own[0];
}

function roomOf(file: string): string | undefined {
  if (!file.includes('/')) return '.';
  return rooms.ROOMS.filter((room) => file.startsWith(`${room}/`)).sort((a, b) => b.length - a.length)[0];
}

test('an import of any room that the table forbids, planted in any room, is refused; no allowed one is', async () => {
  const eslint = new ESLint({ cwd: checkout });
  const {
    rules,
    plugins: known,
    settings,
  } = (await eslint.calculateConfigForFile('domain/files/csv.ts')) as {
    rules: Record<string, unknown>;
    plugins: Record<string, object>;
    settings: Record<string, unknown>;
  };
  const rule = rules['import-x/no-restricted-paths'];
  assert.ok(rule, 'the configuration has the rule');
  const parser = (await import('typescript-eslint')).parser;
  const planted = new ESLint({
    cwd: checkout,
    overrideConfigFile: true,
    overrideConfig: {
      files: ['**/*.ts'],
      languageOptions: { parser },
      plugins: { 'import-x': known['import-x'] },
      settings,
      rules: { 'import-x/no-restricted-paths': rule as ['error', object] },
    },
  });
  const samples = new Map(rooms.ROOMS.map((room) => [room, fileOf(room)]));
  for (const room of rooms.ROOMS) {
    const filePath = join(checkout, room, 'planted.ts');
    const others = rooms.ROOMS.filter((other) => other !== room);
    const lines = others.map((other) => {
      const path = relative(join(checkout, room), join(checkout, samples.get(other)!)).replaceAll('\\', '/');
      const specifier = (path.startsWith('.') ? path : `./${path}`).replace(/\.ts$/, '.js');
      return `import type * as at${others.indexOf(other)} from '${specifier}';`;
    });
    const [{ messages }] = await planted.lintText(lines.join('\n'), { filePath });
    const refused = new Set(messages.map(({ line }) => others[line - 1]));
    const forbidden = others.filter((other) => !rooms.mayImport(room, other));
    assert.deepEqual([...refused].sort(), forbidden.sort(), `planted in ${room}`);
  }
});

test('the import graph has no cycle of files or folders, nothing against the flow, no large folder', () => {
  const program = join(checkout, 'test/structure/import-graph.mjs');
  const printed = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  assert.match(
    printed,
    /fileCycles: 0\n {2}folderCycles: 0\n {2}againstFlow: 0\n {2}impureWorkflowCode: 0\n {2}largeFolders: 0/,
  );
});

test('a cycle of types alone, one through the URL of a thread, and a built-in below workflow code are found', async (context) => {
  const graph = (await import(pathToFileURL(join(checkout, 'test/structure/import-graph.mjs')).href)) as {
    readGraph(root: string): object;
    examine(
      graph: object,
    ): Record<'fileCycles' | 'folderCycles' | 'againstFlow' | 'impureWorkflowCode', unknown>;
  };
  const root = temporaryFolder(context);
  const sources: Record<string, string> = {
    'domain/files/types.ts': "import type { B } from './other.js';\nexport type A = B;\n",
    'domain/files/other.ts': "import { type A } from './types.js';\nexport type B = A;\n",
    'domain/machine/opener.ts': "export const url = new URL('./thread.js', import.meta.url);\n",
    'domain/machine/thread.ts': "export { url } from './opener.js';\nimport '../engine/above.js';\n",
    'domain/engine/above.ts': "import { join } from 'node:path';\nexport { join };\n",
    'workflows/index.ts': "export { join } from '../domain/engine/above.js';\n",
    'activities/none.ts': '',
    'client/none.ts': '',
    'worker.ts': '',
  };
  for (const [name, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const found = graph.examine(graph.readGraph(root));
  assert.deepEqual(found.fileCycles, [
    ['domain/files/other.ts', 'domain/files/types.ts'],
    ['domain/machine/opener.ts', 'domain/machine/thread.ts'],
  ]);
  assert.deepEqual(found.againstFlow, ['domain/machine/thread.ts -> domain/engine/above.ts']);
  assert.deepEqual(found.impureWorkflowCode, ['domain/engine/above.ts']);
});

test('every activity is found by its YAML name: domain/<plugin>/<activity>/ and activities/<plugin>/<activity>.ts', () => {
  const names = plugins.flatMap(({ activities }) => activities.map(({ name }) => name));
  assert.ok(names.length >= 12);
  for (const name of names) {
    const [plugin, activity] = name.split('.');
    const folder = readdirSync(join(checkout, 'domain', plugin, activity));
    assert.ok(folder.includes(`${activity}.ts`), `domain/${plugin}/${activity}/${activity}.ts`);
    assert.ok(readdirSync(join(checkout, 'activities', plugin)).includes(`${activity}.ts`), name);
  }
});
