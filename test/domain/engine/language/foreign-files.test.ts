import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadPipeline } from '../../../../domain/engine/language/load-pipeline.js';
import { checkout } from '../../../support/fixtures.js';
import { TEST_CATALOG } from '../../../support/test-catalog.js';

function problemsOf(text: string) {
  return loadPipeline(text, { file: '/p.yaml', catalog: TEST_CATALOG, cwd: '/', withoutValues: true })
    .problems;
}

const FENCED =
  '# Study\n\nRun it with\n\n```yaml\npipeline: 1\nname: x\nstages:\n  a: { uses: mil.split }\n```\n';

const FILES: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  ['the README', readFileSync(join(checkout, 'README.md'), 'utf8'), /a Markdown text/],
  ['Markdown with a pipeline in it', FENCED, /a Markdown text/],
  [
    'JSON of a package',
    readFileSync(join(checkout, 'package.json'), 'utf8'),
    /JSON with the keys name, version/,
  ],
  ['a JSON list', '[1, 2]', /JSON with a list/],
  ['Nextflow', 'nextflow.enable.dsl=2\nprocess FOO {\n  input:\n  path x\n}\n', /a Nextflow script/],
  ['Snakemake', 'rule all:\n    input: "a.txt"\n\nrule a:\n    shell: "touch {output}"\n', /a Snakefile/],
  [
    'GitHub Actions',
    'on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{ run: y }]\n',
    /a GitHub Actions workflow/,
  ],
  ['DVC', 'stages:\n  a: { cmd: x, deps: [y] }\n', /a DVC pipeline/],
  ['Docker Compose', 'services:\n  a: { image: b }\n', /a Docker Compose file/],
  ['CSV', 'slide_id,path,label\na,b,c\nd,e,f\n', /a CSV table/],
  ['Python', 'import os\n\ndef f(x):\n    return x\n', /a Python module/],
  ['a shell script', '#!/bin/bash\necho hi\n', /a script/],
  ['XML', '<?xml version="1.0"?>\n<a/>\n', /an XML file/],
  ['HTML', '<!DOCTYPE html>\n<p>x\n', /an HTML page/],
  ['PDF', '%PDF-1.4\n', /a PDF file/],
  ['binary data', `\u007fELF\u0002\u0001\u0000\u0000${'\u0000'.repeat(50)}x`, /a binary file/],
  ['UTF-16', Buffer.from('\ufeffpipeline: 1\n', 'utf16le').toString('utf8'), /UTF-16/],
  ['nothing', '', /empty/],
  ['only comments', '\n# later\n', /empty/],
  ['prose', 'hello world\nthis: is: a text\n', /neither YAML nor a pipeline/],
  ['values of params', 'lr: 0.1\nepochs: 3\n', /neither `pipeline` nor `stages`, but `lr`, `epochs`/],
];

for (const [what, text, says] of FILES) {
  test(`${what} given for a pipeline is one problem, which says what the file is`, () => {
    const problems = problemsOf(text);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['not-a-pipeline'],
    );
    assert.match(problems[0].message, says);
    assert.ok(problems[0].hint !== undefined);
  });
}

test('a pipeline with Markdown, scripts and other formats in its texts is read as a pipeline', () => {
  const text = `# ## Heading\npipeline: 1\nname: p\ndescription: |\n  ## Title\n  - [ ] todo\n  import os\nstages:\n  a: { uses: pathology.patch, with: { slide: a.svs } }\n`;
  assert.deepEqual(problemsOf(text), []);
});
