import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPlugin } from '../../../activities/plugins/find-plugin.js';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import type { PluginFault } from '../../../activities/plugins/plugin-fault.js';
import { writePluginPackage, writeTree } from '../../support/plugin-package.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a package is found by name from a folder upwards, a module and a package folder by path, a package by its own name', (context) => {
  const folder = temporaryFolder(context);
  const installed = writePluginPackage(join(folder, 'node_modules', 'greeter'));
  const scoped = writePluginPackage(join(folder, 'node_modules', '@lab', 'greeter'), {
    name: '@lab/greeter',
  });
  const below = join(folder, 'studies', 'one');
  writeTree(below, { 'study.yaml': '' });
  const entry = join(installed, 'src', 'index.js');
  const expected = { path: installed, entry, package: { name: 'greeter', version: '1.0.0' } };
  assert.deepEqual(findPlugin('greeter', below), { spec: 'greeter', ...expected });
  assert.deepEqual(findPlugin('../../node_modules/greeter', below), { spec: installed, ...expected });
  assert.deepEqual(findPlugin('greeter', join(installed, 'src')), { spec: 'greeter', ...expected });
  assert.equal(findPlugin('@lab/greeter', below).path, scoped);
  assert.deepEqual(findPlugin(entry, below), { spec: entry, path: entry, entry });
  assert.equal(findPlugin('src/index.js', installed).spec, entry, 'a name that ends like a module is a path');
});

test('faults of a plugin have a code: not found, not a plugin, a used name', async (context) => {
  const folder = temporaryFolder(context);
  writeTree(folder, {
    'node_modules/plain/package.json': '{"name":"plain","main":"plain.js"}',
    'node_modules/plain/plain.js': 'exports.answer = 42;',
    'node_modules/unbuilt/package.json': '{"name":"unbuilt","exports":{"import":"./dist/index.js"}}',
    'broken.mjs': "import './gone.mjs';",
  });
  writePluginPackage(join(folder, 'node_modules', 'greeter'));
  writePluginPackage(join(folder, 'other'));
  const faultOf = (spec: string) =>
    loadRegistry(['greeter', spec], { from: folder }).then(
      () => undefined,
      ({ problem, message }: PluginFault) => `${problem}: ${message}`,
    );
  assert.match(
    (await faultOf('missing')) ?? '',
    /^unknown-plugin: the package `missing` is not installed.*npm install missing/,
  );
  assert.match(
    (await faultOf('./missing.js')) ?? '',
    /^unknown-plugin: the plugin \.\/missing\.js does not exist; found nothing at \//,
  );
  assert.match((await faultOf('plain')) ?? '', /^bad-plugin: plain exports no plugin;.*found answer/);
  assert.match((await faultOf('unbuilt')) ?? '', /^bad-plugin: .*no main module.*build the package/);
  assert.match((await faultOf('./broken.mjs')) ?? '', /^bad-plugin: .*cannot be loaded.*gone\.mjs/);
  assert.match((await faultOf('./other')) ?? '', /^plugin-clash: .*two plugins have the name greeter/);
  assert.equal(await faultOf('./node_modules/greeter'), undefined, 'named twice, it is loaded once');
});
