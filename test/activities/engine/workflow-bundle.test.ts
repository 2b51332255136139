import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { workflowBundle } from '../../../activities/engine/workflow-bundle.js';
import { checkout } from '../../support/fixtures.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a cached workflow bundle is used until a file that the bundler read changes, however deep', async (context) => {
  const root = temporaryFolder(context);
  // The compiled workflows and what they load, in a separate folder whose files can be changed.
  for (const part of ['workflows', 'domain', 'activities']) {
    cpSync(join(checkout, 'dist', part), join(root, part), { recursive: true });
  }
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
  const kept = join(root, 'bundles');
  const entry = join(root, 'workflows', 'index.js');
  const bundle = () => workflowBundle(entry, kept);
  const bundles = () => readdirSync(kept).filter((name) => name.endsWith('.js'));

  const first = await bundle();
  const [name] = bundles();
  // Proof that the second call reads the kept file: it returns what was put there.
  writeFileSync(join(kept, name), '// kept');
  assert.equal(await bundle(), '// kept');
  assert.deepEqual(bundles(), [name]);

  // workflows/ -> engine/language/plan/step-context.ts -> engine/language/expressions/evaluate.ts ->
  // functions.ts
  appendFileSync(
    join(root, 'domain/engine/language/expressions/functions.js'),
    '\nglobalThis.planted = 1;\n',
  );
  const second = await bundle();
  assert.notEqual(second, '// kept');
  assert.notEqual(second, first);
  assert.match(second, /planted = 1/);
  assert.equal(bundles().length, 1, 'the bundle of the earlier code is removed');
  assert.notEqual(bundles()[0], name);

  // A file that the workflows do not load leaves the bundle as it is.
  mkdirSync(join(root, 'domain/mil'), { recursive: true });
  appendFileSync(join(root, 'domain/mil/models/abmil.js'), '\n// changed\n');
  const record = readFileSync(join(kept, 'workflows.json'), 'utf8');
  await bundle();
  assert.equal(readFileSync(join(kept, 'workflows.json'), 'utf8'), record);
});
