import { Command } from 'commander';
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
import { fitTable, formatBytes, formatTable, shortPath } from '../display/render-text.js';

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
    .description('List the models with their size, license, and whether their weights are installed')
    .option('--json', 'print one JSON object per line')
    .action(list);
  models
    .command('fetch')
    .description('Download published weights; an interrupted download resumes where it stopped')
    .argument('<names...>', 'model names')
    .option('--url <address>', 'download from this mirror; the file must match the published digest')
    .option('--accept-digest <sha256>', 'accept a file with this digest instead of the published one')
    .action(fetchAll);
  models
    .command('import')
    .description(
      'Install weights from a checkpoint file (.pth, .pt, .bin, .safetensors), without internet access',
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

function list({ json }: { json?: boolean }): void {
  const states = knownEntries().map(examineWeights);
  if (json) return states.forEach((state) => console.log(JSON.stringify(jsonOf(state))));
  const palette = paletteFor(process.stdout);
  const rows = states.map((state) => {
    const { entry, path } = state;
    const bytes = state.bytes ?? entry.bytes;
    return [
      entry.name,
      entry.kind,
      bytes === undefined ? '?' : formatBytes(bytes),
      stateText(state),
      entry.license,
      path ? shortPath(path) : palette.dim(`from ${sourceOf(entry)}`),
    ];
  });
  const head = ['MODEL', 'KIND', 'SIZE', 'STATE', 'LICENSE', 'WHERE'].map(palette.dim);
  console.log(fitTable(formatTable([head, ...rows], [2]), process.stdout).join('\n'));
  for (const { problem } of states.filter(({ state }) => state === 'damaged')) console.log(`\n${problem}`);
  if (states.some(({ state }) => state === 'missing'))
    console.log('\ninstall   npx sam-mil models fetch MODEL\n   or     npx sam-mil models import MODEL FILE');
}

function sourceOf(entry: WeightsEntry): string {
  return entry.from === 'url' ? new URL(entry.url).host : entry.source;
}

function stateText({ state, digest, published }: WeightsState): string {
  if (state !== 'available') return state;
  return `installed ${digest?.slice('sha256:'.length, 'sha256:'.length + 8)}${published ? '' : ' (your own)'}`;
}

function jsonOf({ entry, ...state }: WeightsState): object {
  const { name, kind, file, license, source, note } = entry;
  const { bytes = entry.bytes, ...rest } = state;
  return {
    name,
    kind,
    ...rest,
    bytes,
    file,
    url: addressOf(entry),
    sha256: entry.sha256,
    license,
    source,
    note,
  };
}

async function fetchAll(names: string[], options: FetchCommandOptions): Promise<void> {
  const entries = knownEntries(names);
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
  const [entry] = knownEntries([name]);
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

function say({ entry, digest, published, path, problem }: WeightsState): void {
  console.log(`${entry.name}  ready  ${digest}`);
  if (published === false)
    console.log('  not the published file: results identify these weights by their digest');
  console.log(`  ${path ? shortPath(path) : problem}`);
  console.log(`  ${entry.license}; ${entry.note}`);
}

async function verify(names: string[]): Promise<void> {
  const palette = paletteFor(process.stdout);
  const named = names.length > 0;
  let bad = false;
  let checked = 0;
  for (const entry of knownEntries(names)) {
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
  for (const entry of knownEntries(names)) {
    const { state, bytes } = examineWeights(entry);
    await removeWeights(entry);
    const freed = bytes === undefined ? '' : `, ${formatBytes(bytes)} freed`;
    console.log(`${entry.name}  ${state === 'missing' ? 'was not installed' : `removed${freed}`}`);
  }
}
