import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandSteps } from '../../support/command-steps.js';
import { control } from '../../support/stub-plugin.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { setVariables } from '../../support/variables.js';

const LINUX = { skip: process.platform !== 'linux' && 'reads /proc' };

test('code of a plugin does not get the token of the Hugging Face hub', LINUX, async (context) => {
  setVariables(context, { HF_TOKEN: 'hf_secret', HUGGING_FACE_HUB_TOKEN: 'hf_secret', OTHER: 'other' });
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  control(work, 'item', { tellGpu: true });
  await steps.run('stub.write', { with: { text: 'a' } });
  const [, pid] = readFileSync(join(work, '.gpus'), 'utf8').split(' ');
  assert.ok(existsSync(`/proc/${pid}`), 'the child is kept for the next step');
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  assert.ok(environment.includes('OTHER=other'));
  assert.ok(environment.every((entry) => !entry.includes('hf_secret')));
});

test('a program gets the token of the hub if pass-env names it', async (context) => {
  setVariables(context, { HF_TOKEN: 'hf_secret' });
  const steps = await CommandSteps.open(context);
  await steps.shell('echo "length ${#HF_TOKEN}"', { 'pass-env': ['HF_TOKEN'] });
  assert.ok(steps.logs.includes('length 9'), steps.logs.join('\n'));
});
