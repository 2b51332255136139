import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';
import { isJsonObject, type Json } from '../../domain/json.js';
import { writeAtomic } from '../../domain/files/atomic.js';

type BundlerConfig = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];

/** The last bundle in a folder: the files that the bundler read, and the digest of their contents. */
interface BundleRecord {
  key: string;
  files: string[];
}

/**
 * Returns the workflows as one script. Bundling takes seconds, so the result is cached in `folder` with the
 * list of files that the bundler read, and reused while all of them have the same content.
 *
 * @param workflowsPath absolute path of the module that exports the workflows
 * @param folder cache folder; if it cannot be written, workflows are bundled at each start
 */
export async function workflowBundle(workflowsPath: string, folder: string): Promise<string> {
  const recordPath = join(folder, 'workflows.json');
  const record = readRecord(recordPath);
  if (record !== undefined && record.key === bundleKey(record.files)) {
    const kept = await readFile(bundlePath(folder, record.key), 'utf8').catch(() => undefined);
    if (kept !== undefined) return kept;
  }
  const { code, files } = await bundle(workflowsPath);
  const key = bundleKey(files);
  try {
    await mkdir(folder, { recursive: true });
    writeAtomic(bundlePath(folder, key), code);
    writeAtomic(recordPath, JSON.stringify({ key, files } satisfies BundleRecord));
    await removeOthers(folder, bundlePath(folder, key));
  } catch {
    // A read-only installation bundles at each start.
  }
  return code;
}

async function bundle(workflowsPath: string): Promise<{ code: string; files: string[] }> {
  const read = new Set<string>();
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: (config) => ({ ...config, plugins: [...(config.plugins ?? []), recordFiles(read)] }),
  });
  // The entry point exists only in the bundler's memory, and the list also contains folders.
  return { code, files: [...read].filter(isFile).sort() };
}

function recordFiles(into: Set<string>): NonNullable<BundlerConfig['plugins']>[number] {
  return {
    apply: (compiler) =>
      compiler.hooks.afterCompile.tap('sam-mil', ({ fileDependencies }) => {
        for (const file of fileDependencies) into.add(file);
      }),
  };
}

/** Digest of the files' names and contents. A missing file counts as empty. */
function bundleKey(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(isFile(file) ? readFileSync(file) : '');
  return hash.digest('hex').slice(0, 16);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Removes bundles of earlier code. A worker that is starting with one has read it, or bundles again. */
async function removeOthers(folder: string, kept: string): Promise<void> {
  const bundles = (await readdir(folder)).filter((name) => /^workflows-[0-9a-f]+\.js$/.test(name));
  const others = bundles.map((name) => join(folder, name)).filter((path) => path !== kept);
  await Promise.all(others.map((path) => rm(path, { force: true })));
}

function bundlePath(folder: string, key: string): string {
  return join(folder, `workflows-${key}.js`);
}

function readRecord(path: string): BundleRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Json;
    if (!isJsonObject(value) || typeof value.key !== 'string' || !Array.isArray(value.files))
      return undefined;
    return { key: value.key, files: value.files.filter((file) => typeof file === 'string') };
  } catch {
    return undefined;
  }
}
