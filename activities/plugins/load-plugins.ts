import { pathToFileURL } from 'node:url';
import { registerModel } from '../../domain/mil/models/registry.js';
import { SamMilError } from '../../domain/errors.js';
import type { ActivityPlugin } from '../define/define-activity.js';
import { Registry } from '../define/registry.js';
import { findPlugin, type PluginPlace } from './find-plugin.js';
import { plugins } from './index.js';
import { guardLoads } from './guard-loads.js';
import { digestOfPlugin } from './plugin-code.js';
import { PluginFault } from './plugin-fault.js';

export interface LoadPluginsOptions {
  /**
   * Absolute folder for relative paths and for the first lookup of package names. Default: the current
   * folder.
   */
  from?: string;
  /** Receives the fault of an unusable plugin, which is then left out. Default: the fault is thrown. */
  onFault?: (fault: PluginFault, spec: string) => void;
}

/**
 * Loads the built-in plugins and the given ones, each a package name or the path of a module or package that
 * exports its {@link ActivityPlugin} as `plugin` or as the default export. A repeated plugin is loaded once.
 * Registers the models of the plugins.
 * @throws PluginFault for a plugin that is not found or exports no plugin, and for an activity or model name
 * that is already used
 */
export async function loadRegistry(
  specs: readonly string[] = [],
  options: LoadPluginsOptions = {},
): Promise<Registry> {
  const { from = process.cwd(), onFault } = options;
  let registry = new Registry(plugins);
  for (const spec of specs) {
    try {
      registry = await withPlugin(registry, findPlugin(spec, from));
    } catch (error) {
      if (!(error instanceof PluginFault) || onFault === undefined) throw error;
      onFault(error, spec);
    }
  }
  return registry;
}

async function withPlugin(registry: Registry, place: PluginPlace): Promise<Registry> {
  if (registry.external.some(({ path }) => path === place.path)) return registry;
  const digest = digestOfPlugin(place);
  const imported = await importPlugin(place);
  const { spec, path } = place;
  const plugin = guardLoads(imported, path, digest, () => digestOfPlugin(place));
  try {
    const name = place.package?.name || plugin.name;
    const extended = registry.with({ spec, path, plugin, name, digest });
    for (const [name, entry] of Object.entries(plugin.models ?? {})) registerModel(name, entry);
    return extended;
  } catch (cause) {
    if (!(cause instanceof SamMilError) || cause instanceof PluginFault) throw cause;
    throw new PluginFault('plugin-clash', `the plugin ${spec} cannot be added`, {
      found: cause.message,
      cause,
    });
  }
}

async function importPlugin({ spec, entry }: PluginPlace): Promise<ActivityPlugin> {
  const found = (await import(pathToFileURL(entry).href).catch((cause: unknown) => {
    throw new PluginFault('bad-plugin', `the plugin ${spec} cannot be loaded`, {
      found: String(cause),
      next: 'correct the module',
      cause,
    });
  })) as { plugin?: unknown; default?: unknown };
  const plugin = found.plugin ?? found.default;
  if (isPlugin(plugin)) return plugin;
  throw new PluginFault('bad-plugin', `${spec} exports no plugin`, {
    expected: '`export const plugin = { name, activities }`',
    found: `${Object.keys(found).join(', ') || 'no exports'} in ${entry}`,
  });
}

function isPlugin(value: unknown): value is ActivityPlugin {
  if (typeof value !== 'object' || value === null) return false;
  const { name, activities } = value as Partial<ActivityPlugin>;
  return typeof name === 'string' && Array.isArray(activities);
}
