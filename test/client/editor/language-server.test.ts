import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type CompletionItem,
  type Hover,
  type Location,
  type MessageConnection,
  type PublishDiagnosticsParams,
} from 'vscode-languageserver/node';
import { PROGRAM, TOY_PLUGIN } from '../../support/cli.js';
import { checkout } from '../../support/fixtures.js';
import { scratchFolder } from '../../support/scratch-folder.js';

/** A real `sam-mil lsp` process, and the messages that editors send. */
const folder = scratchFolder();
const server = spawn(process.execPath, [PROGRAM, 'lsp', '--stdio'], { cwd: folder });
let editor: MessageConnection;
const waiting = new Map<string, (found: PublishDiagnosticsParams) => void>();
let version = 0;

before(async () => {
  editor = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  editor.onNotification('textDocument/publishDiagnostics', (found: PublishDiagnosticsParams) => {
    waiting.get(`${found.uri} ${found.version}`)?.(found);
  });
  editor.listen();
  const { capabilities } = await editor.sendRequest<{ capabilities: Record<string, unknown> }>('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
  });
  assert.ok(capabilities.completionProvider && capabilities.definitionProvider && capabilities.hoverProvider);
  await editor.sendNotification('initialized', {});
});

after(async () => {
  await editor.sendRequest('shutdown');
  const ended = once(server, 'exit');
  await editor.sendNotification('exit');
  assert.deepEqual(await ended, [0, null], 'the server ends when the editor says so');
  editor.dispose();
});

function published(uri: string, of: number): Promise<PublishDiagnosticsParams> {
  return new Promise((resolve) => waiting.set(`${uri} ${of}`, resolve));
}

/** Opens a text that is not on disk. */
async function open(name: string, text: string) {
  const uri = pathToFileURL(join(checkout, 'pipelines', name)).href;
  const found = published(uri, ++version);
  await editor.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'yaml', version, text },
  });
  return { uri, diagnostics: (await found).diagnostics };
}

/** Replaces a part of the text, as typing does. */
async function type(uri: string, text: string, from: string, to: string) {
  const found = published(uri, ++version);
  const range = {
    start: place(text, text.indexOf(from)),
    end: place(text, text.indexOf(from) + from.length),
  };
  await editor.sendNotification('textDocument/didChange', {
    textDocument: { uri, version },
    contentChanges: [{ range, text: to }],
  });
  return { text: text.replace(from, () => to), diagnostics: (await found).diagnostics };
}

function place(text: string, offset: number) {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length - 1, character: lines[lines.length - 1].length };
}

/** The position after `mark` in the text. */
function afterMark(uri: string, text: string, mark: string) {
  assert.ok(text.includes(mark), mark);
  return { textDocument: { uri }, position: place(text, text.indexOf(mark) + mark.length) };
}

const quickstart = readFileSync(join(checkout, 'pipelines', 'quickstart.yaml'), 'utf8');

test('problems appear as they are typed, at their place, and disappear when they are corrected', async () => {
  const { uri, diagnostics } = await open('typed.yaml', quickstart);
  assert.deepEqual(diagnostics, []);
  const wrong = await type(
    uri,
    quickstart,
    '      select: last',
    '      learning-rate: 1\n      select: last',
  );
  assert.deepEqual(
    wrong.diagnostics.map(({ code, message, source, severity }) => [code, message, source, severity]),
    [['unknown-with', '`mil.train-fold` has no parameter `learning-rate`\ndid you mean `lr`?', 'sam-mil', 1]],
  );
  assert.deepEqual(wrong.diagnostics[0].range, {
    start: place(wrong.text, wrong.text.indexOf('learning-rate')),
    end: place(wrong.text, wrong.text.indexOf('learning-rate') + 'learning-rate'.length),
  });
  const right = await type(uri, wrong.text, 'learning-rate: 1', 'lr: 0.001');
  assert.deepEqual(right.diagnostics, []);
});

test('a file that cannot be read keeps its completion, and shows one problem', async () => {
  const { uri } = await open('unreadable.yaml', quickstart);
  const { text, diagnostics } = await type(
    uri,
    quickstart,
    "patches: '${{ params.data }}/cohort'",
    'patches: ${{ params. }}/cohort',
  );
  assert.equal(diagnostics.length, 1);
  assert.match(JSON.stringify(diagnostics[0].message), /an expression must be in quotes here/);
  const items = await completion(uri, text, 'patches: ${{ params.');
  assert.ok(items.includes('encoder'));
});

async function completion(uri: string, text: string, mark: string): Promise<string[]> {
  const items = await editor.sendRequest<CompletionItem[]>(
    'textDocument/completion',
    afterMark(uri, text, mark),
  );
  return items.map(({ label }) => label);
}

test('completion inside an expression offers what exists there', async () => {
  const { uri } = await open('complete.yaml', quickstart);
  const offers = (mark: string) => completion(uri, quickstart, mark);
  const roots = await offers("model: '${{ ");
  assert.deepEqual(roots.slice(0, 4), ['params', 'needs', 'steps', 'matrix']);
  assert.ok(roots.includes('range') && roots.includes('default'));
  assert.ok((await offers("folds: '${{ params.")).includes('folds'));
  assert.deepEqual(await offers("model: '${{ matrix."), ['model', 'repeat', 'fold']);
  assert.deepEqual(await offers("bags: '${{ needs."), ['cohort', 'preprocess']);
  assert.deepEqual(await offers("bags: '${{ needs.preprocess."), ['items', 'outputs', 'result']);
  assert.ok((await offers("splits: '${{ needs.split.outputs.")).includes('splits'));
  assert.deepEqual(await offers("segments: '${{ steps."), ['patch', 'segment']);
  assert.ok((await offers("segments: '${{ steps.segment.outputs.")).includes('segments'));
});

test('completion outside of expressions offers activities, parameters with their defaults, and values', async () => {
  const { uri } = await open('keys.yaml', quickstart);
  const { text } = await type(
    uri,
    quickstart,
    '      select: last',
    '      sel\n      backend: \n      select: last',
  );
  assert.ok((await completion(uri, text, 'uses: mil.')).includes('mil.heatmap'));
  const items = await editor.sendRequest<CompletionItem[]>(
    'textDocument/completion',
    afterMark(uri, text, '      sel'),
  );
  const lr = items.find(({ label }) => label === 'lr');
  assert.deepEqual([lr?.insertText, lr?.detail], ['lr: 0.0002', 'a number']);
  assert.ok(!items.some(({ label }) => label === 'model'), 'what is given is not offered again');
  assert.deepEqual(await completion(uri, text, '      backend: '), ['auto', 'tensorflow', 'js']);
});

test('go to definition leads from a name in an expression or in `needs` to its declaration', async () => {
  const { uri } = await open('define.yaml', quickstart);
  const lineOf = async (mark: string) => {
    const found = await editor.sendRequest<Location | null>(
      'textDocument/definition',
      afterMark(uri, quickstart, mark),
    );
    return found && quickstart.split('\n')[found.range.start.line].trim();
  };
  assert.equal(
    await lineOf("encoder: '${{ params.enco"),
    'encoder: { type: string, default: efficientnet-lite0 }',
  );
  assert.equal(await lineOf("splits: '${{ needs.spl"), 'split:');
  assert.equal(await lineOf("segments: '${{ steps.segm"), '- id: segment');
  assert.equal(await lineOf("model: '${{ matr"), 'matrix:');
  assert.equal(await lineOf('needs: [cohort, prep'), 'preprocess:');
  assert.equal(await lineOf('from: tr'), 'train:');
  assert.equal(await lineOf('name: quick'), null);
});

test('hover shows the documentation of activities, parameters, params and outputs', async () => {
  const { uri } = await open('hover.yaml', quickstart);
  const shown = async (mark: string) => {
    const found = await editor.sendRequest<Hover | null>(
      'textDocument/hover',
      afterMark(uri, quickstart, mark),
    );
    return (found?.contents as { value: string } | undefined)?.value;
  };
  assert.match((await shown('uses: mil.split')) ?? '', /^\*\*mil\.split\*\*\n\n.+\n\nqueue `cpu`, timeout/);
  assert.match((await shown('      val-rat')) ?? '', /^\*\*val-ratio\*\*: a number, default/);
  assert.equal(await shown("folds: '${{ params.fol"), '**params.folds**: integer = 3');
  assert.match(
    (await shown("splits: '${{ needs.split.outputs.spl")) ?? '',
    /^\*\*needs\.split\.outputs\.splits\*\*: splits/,
  );
  assert.equal(await shown('name: quick'), undefined);
});

test('the code of a plugin that a file names does not run because the file is opened', async () => {
  const plugin = join(folder, 'plugin.mjs');
  const ran = join(folder, 'ran');
  writeFileSync(
    plugin,
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(ran)}, '');\nexport * from ${JSON.stringify(pathToFileURL(TOY_PLUGIN).href)};\n`,
  );
  const text = `pipeline: 1\nname: p\nplugins: [${plugin}]\nstages:\n  a: { uses: toy.unknown }\n  b: { neds: a, uses: pipeline.copy, with: { to: x } }\n`;
  const { diagnostics } = await open('plugin.yaml', text);
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['unknown-key'],
    'activities of the plugin are not called unknown',
  );
  assert.throws(() => readFileSync(ran), { code: 'ENOENT' });
});
