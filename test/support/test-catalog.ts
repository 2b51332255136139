import type { Catalog, CatalogEntry, ValueSchema } from '../../domain/activity-schema.js';

/**
 * A small catalog for tests of the language: the public names of `docs/`, each with a few parameters of every
 * form that schemas take. It keeps tests of the language stable while the activities change; other tests
 * check the real activities against the real pipelines.
 */

const file = (kind: string): ValueSchema => ({
  'x-input': 'file',
  'x-kind': kind,
  description: `A ${kind} file.`,
});
const items = (kind: string): ValueSchema => ({
  'x-input': 'items',
  'x-kind': kind,
  description: `Items with a ${kind}.`,
});
const made = (kind: string): ValueSchema => ({ type: 'object', 'x-kind': kind, description: `The ${kind}.` });
const integer = (minimum: number): ValueSchema => ({ type: 'integer', minimum });
const bag = {
  bag: made('bag'),
  'bag-pt': made('bag'),
  'sam-info': made('sam-info'),
  count: { type: 'integer' },
};

function entry(
  required: string[],
  parameters: Record<string, ValueSchema>,
  outputs: Record<string, ValueSchema>,
): CatalogEntry {
  const rest = { version: 1, summary: 'For tests', queue: 'cpu', timeout: '1h', heartbeat: '1m' };
  return { ...rest, required, with: parameters, outputs, resumesFrom: 'start' };
}

const MODELS = ['mean', 'max', 'abmil', 'transmil', 'dsmil', 'sam-mil'];

export const TEST_CATALOG: Catalog = {
  'pathology.assemble-cohort': entry(
    ['patches'],
    { patches: { type: 'string' }, slides: integer(2), seed: integer(0) },
    { table: made('labels') },
  ),
  'pathology.patch': entry(
    ['slide'],
    {
      slide: file('slide'),
      preset: { anyOf: [{ enum: ['default', 'bwh_biopsy', 'tcga'] }, file('preset')], default: 'default' },
      'patch-size': { ...integer(1), default: 512 },
      magnification: { type: 'number', exclusiveMinimum: 0 },
      'contour-fn': { type: 'string', enum: ['four_pt', 'center', 'basic'] },
      'use-padding': { type: 'boolean' },
      'keep-ids': { type: 'array', items: integer(0) },
    },
    { patches: made('patches'), mask: made('mask'), count: { type: 'integer' }, status: { type: 'string' } },
  ),
  'pathology.segment': entry(
    ['slide', 'patches', 'segmenter'],
    {
      slide: file('slide'),
      patches: file('patches'),
      segmenter: { type: 'string' },
      'points-per-side': integer(1),
      'pred-iou-thresh': { type: 'number', minimum: 0, maximum: 1 },
    },
    { segments: made('segments'), count: { type: 'integer' } },
  ),
  'pathology.extract': {
    ...entry(
      ['slide', 'patches', 'encoder'],
      {
        slide: file('slide'),
        patches: file('patches'),
        segments: file('segments'),
        encoder: { type: 'string', minLength: 1 },
        'batch-size': { ...integer(1), 'x-not-in-key': true },
        precision: { type: 'string', enum: ['fp32', 'fp16'] },
      },
      bag,
    ),
    queue: 'gpu',
  },
  'mil.split': entry(
    ['bags', 'labels'],
    {
      bags: items('bag'),
      labels: file('labels'),
      folds: { ...integer(2), description: 'Folds of each cross-validation.' },
      repeats: integer(1),
      seed: integer(0),
      'val-ratio': { type: 'number', minimum: 0, maximum: 0.9 },
    },
    { splits: made('splits'), slides: { type: 'integer' } },
  ),
  'mil.train-fold': {
    ...entry(
      ['bags', 'splits', 'repeat', 'fold', 'model'],
      {
        bags: items('bag'),
        splits: file('splits'),
        model: { type: 'string', enum: MODELS },
        repeat: integer(0),
        fold: integer(0),
        epochs: integer(1),
        lr: { type: 'number', exclusiveMinimum: 0 },
        seed: integer(0),
        options: {
          type: 'object',
          properties: { mode: { type: 'string' }, depth: integer(1) },
          required: ['mode'],
          additionalProperties: false,
        },
      },
      { checkpoint: made('checkpoint'), history: made('history'), 'best-epoch': { type: 'integer' } },
    ),
    queue: 'gpu',
    timeout: '24h',
  },
  'mil.evaluate': entry(
    ['checkpoint', 'bags', 'splits'],
    {
      checkpoint: file('checkpoint'),
      bags: items('bag'),
      splits: file('splits'),
      protocol: { type: 'string', enum: ['honest', 'paper'] },
    },
    { predictions: made('predictions'), metrics: made('metrics') },
  ),
  'mil.heatmap': entry(
    ['checkpoint', 'slide', 'bag'],
    {
      checkpoint: file('checkpoint'),
      slide: file('slide'),
      bag: file('bag'),
      annotation: file('annotation'),
      score: { type: 'string', enum: ['attention', 'class-probability'] },
    },
    { scores: made('scores'), overlay: made('overlay') },
  ),
  'pipeline.report': entry(
    ['evaluations'],
    {
      evaluations: items('metrics'),
      slides: { 'x-input': 'items' },
      heatmaps: items('overlay'),
      'group-by': { type: 'string' },
      title: { type: 'string' },
    },
    { report: made('report') },
  ),
  'pipeline.copy': entry(
    ['files', 'to'],
    {
      files: { type: 'array', items: { 'x-input': 'file' } },
      to: { type: 'string' },
    },
    {},
  ),
};
