import { Command } from 'commander';
import { related } from '../../domain/engine/language/expressions/did-you-mean.js';
import { findEncoder } from '../../domain/pathology/extract/encoders/encoders.js';
import { findSegmenter } from '../../domain/pathology/segment/segmenters.js';
import { fetchWeights } from '../../domain/machine/weights/fetch-weights.js';
import { importWeights } from '../../domain/machine/weights/import-weights.js';
import {
  examineWeights,
  knownEntries,
  removeWeights,
  verifyWeights,
  type WeightsState,
} from '../../domain/machine/weights/inventory.js';
import { encodeError } from '../../domain/machine/threads/wire-error.js';
import { addressOf, type Weights, type WeightsEntry } from '../../domain/machine/weights/weights-entry.js';
import { paletteFor } from '../display/display.js';
import { renderError } from '../display/render-error.js';
import { downloadProgress } from '../display/download-progress.js';
import { EXIT, Exit, exitCodeOf, invalid } from '../command-line/errors.js';
import { fitTable, formatBytes, isCut, formatTable, shortPath } from '../display/render-text.js';

interface FetchCommandOptions {
  url?: string;
  acceptDigest?: string;
}

export function createCommand(): Command {
  const models = new Command('models').description(
    'Manage the weights of encoders and segmenters: list, fetch, import, verify, rm (remove)',
  );
  models
    .command('list')
    .description('List the models with their feature size, size, access, state and license')
    .option('--json', 'print one JSON object per line')
    .action(list);
  models
    .command('fetch')
    .description(
      'Download published weights; resumes an interrupted download; for gated models, reads a Hugging Face token (HF_TOKEN)',
    )
    .argument('<names...>', 'model names')
    .option('--url <address>', 'download from this mirror; the file must match the published digest')
    .option('--accept-digest <sha256>', 'accept a file with this digest instead of the published one')
    .action(fetchAll);
  models
    .command('import')
    .description(
      'Install weights from a checkpoint file (.pth, .pt, .bin, .safetensors, or the index of a sharded one), without internet access',
    )
    .argument('<name>', 'model name')
    .argument('<file>', 'checkpoint file')
    .option(
      '--accept-digest [sha256]',
      'also accept your own weights of the same architecture; with a digest, only that file',
    )
    .action(importOne);
  models
    .command('verify')
    .description('Recompute the digest of each file; exit with code 1 if one is damaged')
    .argument('[names...]', 'model names (default: all installed models)')
    .action(verify);
  models
    .command('rm')
    .description('Remove weights from this machine')
    .argument('<names...>', 'model names')
    .action(remove);
  return models;
}

async function list({ json }: { json?: boolean }): Promise<void> {
  const models = await Promise.all(knownEntries().map(describe));
  if (json) return models.forEach((model) => console.log(JSON.stringify(jsonOf(model))));
  const tables = (['encoder', 'segmenter'] as const).map((kind) => tableOf(kind, models));
  for (const table of tables) console.log(`${fitTable(table, process.stdout).join('\n')}\n`);
  if (isCut(tables.flat(), process.stdout))
    console.log(`${paletteFor(process.stdout).dim('cut to the terminal; whole with --json')}\n`);
  if (models.some(({ state }) => state.recorded))
    console.log('* no digest is pinned for this file; that of the first download was recorded\n');
  for (const { state } of models.filter(({ state }) => state.state === 'damaged'))
    console.log(`${state.problem}\n`);
  console.log('download  npx sam-mil models fetch MODEL');
  console.log('import    npx sam-mil models import MODEL FILE');
  console.log('gated     accept the terms on the page of the model and set HF_TOKEN; see');
  console.log('          docs/encoders.md');
}

interface Described {
  state: WeightsState;
  /** Length of the features of an encoder. */
  dim?: number;
}

async function describe(entry: WeightsEntry): Promise<Described> {
  const state = examineWeights(entry);
  return entry.kind === 'encoder' ? { state, dim: (await findEncoder(entry.name)).info.dim } : { state };
}

/** Fits into 80 columns, but for long licenses, which come last. */
function tableOf(kind: WeightsEntry['kind'], models: readonly Described[]): string[] {
  const dims = kind === 'encoder';
  const rows = models.flatMap(({ state, dim }) => {
    const { entry } = state;
    if (entry.kind !== kind) return [];
    const access = entry.from === 'url' && entry.gated ? 'gated' : 'open';
    return [
      [entry.name, ...(dims ? [`${dim}`] : []), sizeText(state), access, stateText(state), entry.license],
    ];
  });
  const head = [kind.toUpperCase(), ...(dims ? ['DIM'] : []), 'SIZE', 'ACCESS', 'STATE', 'LICENSE'];
  return formatTable([head.map(paletteFor(process.stdout).dim), ...rows], dims ? [1, 2] : [1]);
}

function sizeText({ entry, bytes = entry.bytes }: WeightsState): string {
  if (bytes !== undefined) return formatBytes(bytes);
  const about = entry.from === 'url' ? entry.aboutBytes : undefined;
  return about === undefined ? '?' : `~${formatBytes(about)}`;
}

function stateText({ state, digest, published, recorded }: WeightsState): string {
  if (state !== 'available') return state;
  const mark = recorded ? '*' : '';
  const own = published ? '' : ' (your own)';
  return `installed ${digest?.slice('sha256:'.length, 'sha256:'.length + 8)}${mark}${own}`;
}

function jsonOf({ state: { entry, ...state }, dim }: Described): object {
  const { name, kind, file, license, source, note } = entry;
  const { bytes = entry.bytes, ...rest } = state;
  const facts = entry.from === 'url' ? entry : undefined;
  return {
    ...{ name, kind },
    ...rest,
    ...{ dim, bytes, file },
    aboutBytes: facts?.aboutBytes,
    url: addressOf(entry),
    sha256: entry.sha256,
    stated: facts?.stated,
    gated: facts?.gated ?? false,
    ...{ license, source, note },
  };
}

/** @throws SamMilError InvalidInput for an unknown name, with the one that was probably meant */
function entriesNamed(names: readonly string[]): WeightsEntry[] {
  const known = knownEntries().map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  const match = unknown === undefined ? undefined : related(unknown, known);
  if (match === undefined) return knownEntries(names);
  throw invalid(
    `there are no weights named ${JSON.stringify(unknown)}`,
    `did you mean \`${match}\`? \`npx sam-mil models list\` lists all models`,
  );
}

async function fetchAll(names: string[], options: FetchCommandOptions): Promise<void> {
  const entries = entriesNamed(names);
  if (names.length > 1 && (options.url ?? options.acceptDigest) !== undefined)
    throw invalid('--url and --accept-digest apply to a single model', 'specify one model');
  const interrupted = () => {
    console.error('\ninterrupted; run the same command again to resume');
    process.exit(EXIT.interrupted);
  };
  process.once('SIGINT', interrupted);
  const failures: unknown[] = [];
  for (const entry of entries) {
    try {
      await fetchOne(entry, options);
    } catch (error) {
      if (entries.length === 1) throw error;
      failures.push(error);
      console.error(`sam-mil: ${entry.name}: ${renderError(encodeError(error)).join('\n')}`);
    }
  }
  process.off('SIGINT', interrupted);
  if (failures.length > 0) throw new Exit(exitCodeOf(failures[0]));
}

async function fetchOne(entry: WeightsEntry, options: FetchCommandOptions): Promise<void> {
  const before = examineWeights(entry);
  if (before.state === 'available' && before.published && (options.url ?? options.acceptDigest) === undefined)
    return console.log(`${entry.name}  is already installed  ${before.digest}`);
  const progress = downloadProgress(entry.name, process.stderr);
  const prepare = createCheck(entry);
  const log = (line: string) => console.error(`  ${line}`);
  const { url, acceptDigest } = options;
  try {
    await fetchWeights(entry.name, { url, acceptDigest, prepare, progress, log, onWait: waiting(entry) });
  } finally {
    progress(undefined);
  }
  say(examineWeights(entry));
}

async function importOne(
  name: string,
  file: string,
  { acceptDigest }: { acceptDigest?: boolean | string },
): Promise<void> {
  const [entry] = entriesNamed([name]);
  if (typeof acceptDigest === 'string' && !/^(sha256:)?[0-9a-f]{64}$/i.test(acceptDigest))
    throw invalid(
      `--accept-digest ${acceptDigest} is not a SHA-256 digest`,
      'put --accept-digest after NAME and FILE',
    );
  await importWeights(name, file, { acceptDigest, prepare: createCheck(entry), onWait: waiting(entry) });
  say(examineWeights(entry));
}

/** Returns the model's own check of a checkpoint, which writes its ONNX graph next to it. */
function createCheck({ name, kind }: WeightsEntry): (weights: Weights) => Promise<void> {
  return async (weights) => {
    const definition = kind === 'encoder' ? await findEncoder(name) : await findSegmenter(name);
    await definition.prepare?.(weights);
  };
}

function waiting({ name }: WeightsEntry): () => void {
  return () => console.error(`  ${name}: another process is installing it, waiting`);
}

function say({ entry, digest, published, recorded, path, problem }: WeightsState): void {
  console.log(`${entry.name}  ready  ${digest}`);
  if (published === false)
    console.log('  not the published file: results identify these weights by their digest');
  if (recorded) console.log('  recorded, not pinned: no two public sources state the digest of this file');
  console.log(`  ${path ? shortPath(path) : problem}`);
  console.log(`  ${entry.license}; ${entry.note}`);
}

async function verify(names: string[]): Promise<void> {
  const palette = paletteFor(process.stdout);
  const named = names.length > 0;
  let bad = false;
  let checked = 0;
  for (const entry of entriesNamed(names)) {
    if (!named && examineWeights(entry).state === 'missing') continue;
    const { state, digest, problem } = await verifyWeights(entry);
    checked++;
    bad ||= state !== 'available';
    console.log(
      state === 'available'
        ? `${palette.green('✔')} ${entry.name}  ${digest}`
        : `${palette.red('✘')} ${entry.name}  ${problem}`,
    );
  }
  if (checked === 0) console.log('no weights are installed; see `npx sam-mil models list`');
  if (bad) throw new Exit(EXIT.failed);
}

async function remove(names: string[]): Promise<void> {
  for (const entry of entriesNamed(names)) {
    const { state, bytes } = examineWeights(entry);
    await removeWeights(entry);
    const freed = bytes === undefined ? '' : `, ${formatBytes(bytes)} freed`;
    console.log(`${entry.name}  ${state === 'missing' ? 'was not installed' : `removed${freed}`}`);
  }
}
