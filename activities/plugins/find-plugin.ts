import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { packageRoot } from '../../domain/package-root.js';
import { PluginFault } from './plugin-fault.js';

/** A plugin installed on this machine: a package, or a single module. */
export interface PluginPlace {
  /** Its name in plans: the package name, or an absolute path. */
  spec: string;
  /** Absolute path of the package's folder or of the module's file. Identifies the plugin on this machine. */
  path: string;
  /** Absolute path of the module that exports the plugin. */
  entry: string;
  /** Absent for a single module. */
  package?: { name: string; version: string };
}

const MODULE = /\.[cm]?[jt]s$/;

/** Whether a plugin is named by its path, as opposed to a package's name. */
function isPluginPath(spec: string): boolean {
  return /^[./]/.test(spec) || isAbsolute(spec) || MODULE.test(spec);
}

/** A path becomes absolute, from `folder`; a package's name stays as it is. */
export function absoluteSpec(spec: string, folder: string): string {
  return isPluginPath(spec) ? resolve(folder, spec) : spec;
}

/**
 * Finds a plugin. Looks a package name up as Node does, from `from`, then from the current folder, then from
 * the folder of this package.
 * @param spec path of a module or package folder, or a package name
 * @param from absolute folder that relative paths start from
 * @throws PluginFault if there is none
 */
export function findPlugin(spec: string, from: string): PluginPlace {
  if (!isPluginPath(spec)) return packageAt(packageFolder(spec, [from, process.cwd(), packageRoot()]), spec);
  const given = resolve(from, spec);
  if (!existsSync(given)) {
    throw new PluginFault('unknown-plugin', `the plugin ${spec} does not exist`, {
      found: `nothing at ${given}`,
      next: 'correct the path, or give the name of an installed package',
    });
  }
  const path = realpathSync(given);
  return statSync(path).isDirectory() ? packageAt(path, given) : { spec: given, path, entry: path };
}

/** Finds several plugins and returns their absolute paths. */
export function pluginPaths(specs: readonly string[], from: string): string[] {
  return [...new Set(specs.map((spec) => findPlugin(spec, from).path))];
}

function packageFolder(name: string, starts: readonly string[]): string {
  for (const start of starts) {
    for (let folder = start; ; folder = dirname(folder)) {
      // A package can refer to itself by name, as in Node for packages with `exports`.
      if (readManifest(folder)?.name === name) return realpathSync(folder);
      const installed = join(folder, 'node_modules', name);
      if (existsSync(join(installed, 'package.json'))) return realpathSync(installed);
      if (dirname(folder) === folder) break;
    }
  }
  throw new PluginFault('unknown-plugin', `the package \`${name}\` is not installed`, {
    found: `no such package in node_modules of ${[...new Set(starts)].join(', of ')}, or of a folder above`,
    next: `run \`npm install ${name}\`; if it is a path, begin it with ./ or /`,
  });
}

function packageAt(folder: string, spec: string): PluginPlace {
  const manifest = readManifest(folder);
  if (manifest === undefined) {
    throw new PluginFault('bad-plugin', `the folder ${folder} is not a package`, {
      expected: 'a readable package.json',
      next: 'specify the module instead',
    });
  }
  const { name, version, main, exports } = manifest;
  const target = exports === undefined ? (main ?? 'index.js') : mainExport(exports);
  const entry = typeof target === 'string' ? join(folder, target) : undefined;
  if (entry === undefined || !existsSync(entry)) {
    throw new PluginFault('bad-plugin', `the package in ${folder} has no main module`, {
      expected: 'a file that `exports` or `main` of its package.json names',
      found: entry ?? 'none for `import`',
      next: 'build the package, or correct its package.json',
    });
  }
  const known = { name: text(name), version: text(version) };
  return { spec, path: folder, entry: realpathSync(entry), package: known };
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Returns the target of the package's main entry for an `import` in Node, or undefined. */
function mainExport(exports: Json): Json | undefined {
  if (typeof exports === 'string') return exports;
  if (Array.isArray(exports)) return exports.map(mainExport).find((target) => target !== undefined);
  if (!isJsonObject(exports)) return undefined;
  if ('.' in exports) return mainExport(exports['.']);
  for (const condition of ['node', 'import', 'module-sync', 'default']) {
    const target = condition in exports ? mainExport(exports[condition]) : undefined;
    if (target !== undefined) return target;
  }
  return undefined;
}

function readManifest(folder: string): JsonObject | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Json;
    return isJsonObject(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}
