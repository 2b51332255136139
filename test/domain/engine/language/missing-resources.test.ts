import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Catalog } from '../../../../domain/activity-schema.js';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import { TEST_CATALOG } from '../../../support/test-catalog.js';

const OPTIONS = { file: '/pipelines/p.yaml', cwd: '/home/me' };

test('a missing resource is a warning, once for all cells, and only if the machine is checked', () => {
  const text = `
pipeline: 1
name: p
params: { preset: { type: string, default: mine } }
stages:
  a: { uses: pathology.patch, with: { slide: a.svs, preset: "\${{ params.preset }}" } }
  b:
    matrix: { preset: [tcga, mine], size: [1, 2] }
    uses: pathology.patch
    with: { slide: a.svs, preset: "\${{ matrix.preset }}", patch-size: "\${{ matrix.size }}" }
  c: { foreach: { list: [{ p: mine }] }, uses: pathology.patch, with: { slide: a.svs, preset: "\${{ item.p }}" } }
`;
  const asked: string[] = [];
  const catalog: Catalog = {
    ...TEST_CATALOG,
    'pathology.patch': {
      ...TEST_CATALOG['pathology.patch'],
      findMissing: (parameter, value, { base, given }) => {
        asked.push(`${parameter} ${value} ${base} ${[...given].join()}`);
        return value === 'mine' ? { what: 'no weights of mine', next: 'fetch mine' } : undefined;
      },
    },
  };
  const { problems, plan } = loadPipeline(text, { ...OPTIONS, catalog, exists: () => true });
  assert.deepEqual(
    problems.map(({ code, severity, message, hint, place }) => [place.line, severity, code, message, hint]),
    [6, 10].map((line) => [line, 'warning', 'missing-resource', 'no weights of mine', 'fetch mine']),
  );
  assert.ok(plan, 'a warning does not prevent the plan');
  assert.ok(asked.includes('preset mine /pipelines slide,preset,patch-size'), asked.join('\n'));
  assert.deepEqual(loadPipeline(text, { ...OPTIONS, catalog }).problems, [], 'the machine is not checked');
});
