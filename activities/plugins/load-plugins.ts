import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SamMilError } from '../../domain/errors.js';
import { registerModel } from '../../domain/mil/models/registry.js';
import type { ActivityPlugin } from '../define/define-activity.js';
import { plugins } from './index.js';
import { Registry } from '../define/registry.js';

/**
 * The built-in plugins and those of further modules, given by path. Such a module exports its {@link ActivityPlugin} as `plugin` or as its default.
 * Their models join the registry of models.
 * @throws SamMilError InvalidInput for a module without one, or with a model whose name is taken
 */
export async function loadRegistry(modules: readonly string[] = []): Promise<Registry> {
  const further: ActivityPlugin[] = [];
  for (const path of modules) further.push(await loadPlugin(path));
  for (const { models = {} } of further) {
    for (const [name, entry] of Object.entries(models)) registerModel(name, entry);
  }
  return new Registry([...plugins, ...further]);
}

async function loadPlugin(path: string): Promise<ActivityPlugin> {
  const found = (await import(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
    throw new SamMilError('InvalidInput', `the plugin cannot be loaded: ${String(error)}`, {
      file: path,
      cause: error,
    });
  })) as { plugin?: unknown; default?: unknown };
  const plugin = found.plugin ?? found.default;
  if (isPlugin(plugin)) return plugin;
  throw new SamMilError('InvalidInput', 'the module exports no plugin', {
    file: path,
    expected: '`export const plugin: ActivityPlugin = { name, activities }`',
  });
}

function isPlugin(value: unknown): value is ActivityPlugin {
  if (typeof value !== 'object' || value === null) return false;
  const { name, activities } = value as Partial<ActivityPlugin>;
  return typeof name === 'string' && Array.isArray(activities);
}
