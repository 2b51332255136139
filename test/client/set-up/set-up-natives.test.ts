import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { defineActivity } from '../../../activities/define/define-activity.js';
import { Registry } from '../../../activities/define/registry.js';
import { plugins } from '../../../activities/plugins/index.js';
import { loadFile, selectPlan } from '../../../client/run/load-file.js';
import { listRequiredParts, STEP_PARTS } from '../../../client/set-up/set-up-natives.js';
import type { Plan } from '../../../domain/engine/language/plan/plan.js';
import type { JsonObject } from '../../../domain/json.js';
import { packageRoot } from '../../../domain/package-root.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const registry = new Registry(plugins);
const LITE0 = 'weights of efficientnet-lite0';

const namesOf = (plan: Plan, known = registry) => listRequiredParts(plan, known).map(({ name }) => name);

const shipped = (name: string) => join(packageRoot(), 'pipelines', name);

async function planOf(file: string, context: TestContext, set: string[] = []): Promise<Plan> {
  const options = { work: temporaryFolder(context), set };
  return selectPlan(await loadFile(file, options), {}).plan;
}

/** A plan of one step. */
async function stepPlan(context: TestContext, uses: string, values: JsonObject): Promise<Plan> {
  const plan = await planOf(shipped('quickstart.yaml'), context);
  const [stage] = plan.stages;
  return { ...plan, stages: [{ ...stage, steps: [{ ...stage.steps[0], uses, with: values }] }] };
}

test('the quickstart needs every native part and its weights; preprocessing needs no TensorFlow', async (context) => {
  const all = STEP_PARTS.map(({ name }) => name);
  assert.deepEqual(all, ['tensorflow', 'openslide', 'onnx', LITE0]);
  assert.deepEqual(namesOf(await planOf(shipped('quickstart.yaml'), context)), all);
  const preprocess = await planOf(shipped('preprocess.yaml'), context, ['encoder=resnet50']);
  assert.deepEqual(namesOf(preprocess).slice(0, 2), ['openslide', 'onnx']);
});

test('weights are needed where a parameter names their model, or may name it once the run has computed it', async (context) => {
  const needs = async (values: JsonObject) =>
    namesOf(await stepPlan(context, 'pathology.extract', { slide: '${{ slide.path }}', ...values }));
  assert.deepEqual(await needs({ encoder: 'stain-texture' }), ['openslide', 'onnx']);
  assert.deepEqual(await needs({ encoder: 'efficientnet-lite0' }), ['openslide', 'onnx', LITE0]);
  const fallback = 'efficientnet-lite0';
  assert.deepEqual(await needs({ encoder: 'resnet50', fallback }), ['openslide', 'onnx', LITE0]);
  assert.deepEqual(await needs({ encoder: '${{ slide.encoder }}' }), ['openslide', 'onnx', LITE0]);
});

test('an activity of another package declares what it needs; one that declares nothing needs nothing', async (context) => {
  const plan = await stepPlan(context, 'pipeline.copy', {});
  assert.deepEqual(namesOf(plan), []);
  const activity = defineActivity({
    ...{ name: 'lab.count', version: 1, summary: '', with: {}, required: [], outputs: {} },
    ...{ queue: 'cpu', timeout: '1h', heartbeat: '1m', isolation: 'child', resumesFrom: 'the start' },
    requires: ['openslide'],
    load: async () => ({ run: async () => ({ files: {} }) }),
  });
  plan.stages[0].steps[0].uses = 'lab.count';
  assert.deepEqual(namesOf(plan, new Registry([...plugins, { name: 'lab', activities: [activity] }])), [
    'openslide',
  ]);
});
