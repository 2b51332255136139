import { statfs } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { nativeCacheFolder, platformKey } from '../../domain/machine/cache-folder.js';
import { hasOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { locateOpenSlide } from '../../domain/machine/openslide-library.js';
import { lastLine, runCommand } from '../../domain/machine/run-command.js';
import { examineGpus } from './gpu-facts.js';
import { fact, runProbe, type Fact } from './probe.js';
import { locateTemporalServer } from '../server/temporal-server.js';
import { locateTensorFlow } from '../../domain/machine/tensorflow.js';

/** Checks all native parts without downloading any. Libraries are loaded in child processes. */
export async function examineMachine(): Promise<Fact[]> {
  const checks = [node, python, temporal, openSlide, tensorFlow, onnx, cacheDisk];
  const gpus = examineGpus().catch((error: Error) => [fact('gpu', 'broken', error.message)]);
  const facts = await Promise.all(
    checks.map((check) => check().catch((error: Error) => fact(check.name, 'broken', error.message))),
  );
  return [...facts, ...(await gpus)];
}

async function node(): Promise<Fact> {
  return fact('node', 'ok', `Node ${process.versions.node}, ${platformKey()}`);
}

/** Python is used only to download packages; none of our code runs in it. */
async function python(): Promise<Fact> {
  const result = await runCommand('python3', ['-m', 'pip', '--version'], { timeout: 30_000 });
  if (result.code === 0) {
    const version = /^pip (\S+) .*\(python (\S+)\)/.exec(result.stdout);
    return fact('python', 'ok', version ? `Python ${version[2]}, pip ${version[1]}` : lastLine(result));
  }
  const index = process.env.PIP_INDEX_URL
    ? 'PIP_INDEX_URL is used instead'
    : 'missing parts cannot be downloaded';
  return fact('python', process.env.PIP_INDEX_URL ? 'ok' : 'warning', `no python3 with pip: ${index}`, [
    lastLine(result),
  ]);
}

async function temporal(): Promise<Fact> {
  const found = await locateTemporalServer();
  if (typeof found !== 'string') return fact('temporal', 'ok', `server ${found.server}: ${found.path}`);
  const text = 'not built yet; `npx sam-mil server` builds it once (3-7 minutes)';
  return fact('temporal', 'missing', text, [found]);
}

/** The version of the OpenSlide library that steps use, or why it has none. */
export async function openSlideVersion(): Promise<string> {
  const found = locateOpenSlide();
  if (found === undefined) return 'not installed yet';
  const { failure, facts } = await runProbe('openslide', [found.path]);
  return failure ?? String(facts.version);
}

async function openSlide(): Promise<Fact> {
  const found = locateOpenSlide();
  if (found === undefined)
    return fact('openslide', 'missing', 'not installed yet; downloaded when first needed (3 MB)');
  const { failure, facts } = await runProbe('openslide', [found.path]);
  if (failure !== undefined) return fact('openslide', 'broken', `${found.path} cannot be loaded`, [failure]);
  return fact('openslide', 'ok', `OpenSlide ${String(facts.version)}, from ${found.from}: ${found.path}`);
}

async function tensorFlow(): Promise<Fact> {
  const found = locateTensorFlow();
  if (found === undefined) {
    return fact(
      'tensorflow',
      'missing',
      'not installed yet; installed when first needed (330 MB, about a minute)',
    );
  }
  const { failure, facts } = await runProbe('tensorflow', [found.packages]);
  if (failure !== undefined)
    return fact('tensorflow', 'broken', 'the library cannot be loaded', [failure, found.folder]);
  const rate = `${String(facts.gflops)} GFLOP/s in a 1024 x 1024 matrix product`;
  const text = `TensorFlow ${found.tensorflow} (${found.variant}) with tfjs ${found.tfjs}, backend ${String(facts.backend)}, ${rate}`;
  return fact('tensorflow', facts.backend === 'tensorflow' ? 'ok' : 'warning', text, [
    `addon compiled by ${found.compiler}`,
  ]);
}

/** Each provider runs a small model, so the reported ones really work. */
async function onnx(): Promise<Fact> {
  if (!hasOnnxRuntime()) {
    return fact(
      'onnx',
      'missing',
      'not installed yet; installed when first needed (110 MB from npm, half a minute)',
    );
  }
  const { failure, facts } = await runProbe('onnx');
  if (failure !== undefined) return fact('onnx', 'broken', 'onnxruntime-node cannot be loaded', [failure]);
  const providers = facts.providers as { name: string; lack?: string }[];
  const works = providers.filter(({ lack }) => lack === undefined).map(({ name }) => name);
  // TensorRT compiles each model for minutes, so it is used only on request.
  const auto = works.find((name) => name !== 'tensorrt');
  if (auto === undefined) {
    return fact(
      'onnx',
      'broken',
      'no execution provider works',
      providers.map(({ name, lack }) => `${name}: ${lack}`),
    );
  }
  return fact(
    'onnx',
    'ok',
    `ONNX Runtime ${String(facts.version)} runs on ${works.join(', ')}; \`device: auto\` uses ${auto}`,
    providers
      .filter(({ lack }) => lack !== undefined)
      .map(({ name, lack }) => `${name} is not available: ${lack}`),
  );
}

async function cacheDisk(): Promise<Fact> {
  let folder = nativeCacheFolder();
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = (bavail * bsize) / 1e9;
  const text = `cache ${nativeCacheFolder()}, ${free.toFixed(1)} GB free`;
  return fact(
    'disk',
    free < 7 ? 'warning' : 'ok',
    text,
    free < 7 ? ['building the server needs about 6 GB'] : [],
  );
}
