import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plugins } from '../../../activities/plugins/index.js';
import { resolveWith } from '../../../activities/step/resolve-with.js';
import { digestOf } from '../../../domain/digest.js';
import { cacheKey, type Ingredients } from '../../../domain/engine/store/cache-key.js';
import type { JsonObject } from '../../../domain/json.js';

const items = { items: { path: 'items.jsonl', digest: 'sha256:items', bytes: 1 }, count: 1 };

/**
 * One step of each activity, and the key of its receipt: parameters with their defaults, and the places of
 * its inputs.
 */
const STEPS: Record<string, { given: JsonObject; key: string }> = {
  'pathology.assemble-cohort': {
    given: { patches: 'cohort' },
    key: 'sha256:31574339743da46da3dc6857820413e03e38ccbc76396d252cb50bf9fa112a99',
  },
  'pathology.patch': {
    given: { slide: 'a.svs', 'patch-size': 256, preset: 'tcga' },
    key: 'sha256:549f7d5d2c76ae2d026f24e57d71b8373659358a767ebfdc580c27be5792b62b',
  },
  'pathology.segment': {
    given: { slide: 'a.svs', patches: 'a.h5', segmenter: 'sam-vit-h', 'points-per-batch': 8 },
    key: 'sha256:dd5c852ebbc7bdfe30c3dd461c79afac23f3a6e641219b4ed1bc9a104f721801',
  },
  'pathology.extract': {
    given: { slide: 'a.svs', patches: 'a.h5', encoder: 'encoder.yaml' },
    key: 'sha256:51571fa9ddc267355b7e057f39c6151f6e05c95afe992ea6fa6ae7effa1a8e28',
  },
  'pathology.convert': {
    given: { features: 'a.h5', segments: 'a.pkl', 'patch-size-level0': 512 },
    key: 'sha256:2773e97e3a5373db7e08d4707134d2adc7935ff51ee8d3fab9743a7777b3fdd3',
  },
  'mil.import': {
    given: { table: 'musk.csv' },
    key: 'sha256:b9f3ff5ba9c9763e3575b3f15d9850711ac3bef999be3bf055a68fc5c15bcedb',
  },
  'mil.split': {
    given: { bags: items, labels: 'labels.csv', classes: ['normal', 'tumor'] },
    key: 'sha256:5ffade2786eff2a58887cdbe7e5ab4dd6cf234f84bfa5aed1eff1705812211ed',
  },
  'mil.train-fold': {
    given: { bags: items, splits: 's.json', repeat: 0, fold: 1, model: 'sam-mil', 'mask-ratio': 0.5 },
    key: 'sha256:c3c31f4e943687d0aa4b6b025e754028168274e7f9e52eab14f33fbf3a7ca211',
  },
  'mil.evaluate': {
    given: { checkpoint: 'c.safetensors', bags: items, splits: 's.json' },
    key: 'sha256:1fa527d62ad68891d2ddc87f9bde9da5fcbd7ecad104326b561e3588ec554974',
  },
  'mil.import-checkpoint': {
    given: { checkpoint: 'c.safetensors' },
    key: 'sha256:df6203801c497d23254b623d9b9170021fb99643a635e3d63c6efef57ee57e2b',
  },
  'mil.predict': {
    given: { checkpoints: items, bags: items, threshold: 'pooled' },
    key: 'sha256:95c63a253e1cf9e3a72b28839cd38351c5d4be21a34f4a22e115f31aa96493e2',
  },
  'mil.heatmap': {
    given: { checkpoint: 'c.safetensors', slide: 'a.svs', bag: 'a.h5' },
    key: 'sha256:f37b752d66b7d08417193cd209ffa4c334eae50a5aa7fc923258e9f9df54d9ce',
  },
  'pipeline.command': {
    given: {
      command: ['python3', '{script}', '{inputs.bag}'],
      script: 'count.py',
      inputs: { bag: 'a.h5' },
      items: { bags: items },
      outputs: { table: 'table.csv' },
      params: { level: 0.5 },
      env: { THREADS: 2 },
      'pass-env': ['TOKEN'],
      'non-retryable-codes': [9],
    },
    key: 'sha256:b97f0f79c208f50dbc63bbb1ec86031ee967c785c2ee4bf925deed2d43937977',
  },
  'pipeline.copy': {
    given: { items, outputs: ['bag'], to: 'out' },
    key: 'sha256:d1415d61c7c5507bd4f975eb54acfaa8df8502b55bbcd886c19d4bf590eee4da',
  },
  'pipeline.report': {
    given: { evaluations: items, 'group-by': ['model'] },
    key: 'sha256:7c1e893b896e6703869138705be1d8ae88ac071e488992153111f445483f7577',
  },
};

for (const definition of plugins.flatMap(({ activities }) => activities)) {
  test(`the cache key of a step of ${definition.name} is that of earlier releases`, () => {
    const { given, key } = STEPS[definition.name];
    const { inputs, inKey } = resolveWith(definition, given);
    const read = inputs.filter((input) => input.inKey);
    const ingredients: Ingredients = {
      activity: definition.name,
      version: definition.version,
      name: 'item',
      with: inKey,
      inputs: Object.fromEntries(
        read.map(({ place, value }) => [
          place.join('.'),
          { digest: digestOf(JSON.stringify(value)), name: 'n' },
        ]),
      ),
      hidden: {},
    };
    assert.equal(cacheKey(ingredients), key, JSON.stringify(ingredients));
  });
}
