import { SamMilError } from '../../domain/errors.js';
import type { ActivityDefinition, ActivityPlugin } from './define-activity.js';

/** A plugin that is not part of this package. */
export interface ExternalPlugin {
  /** Its name in plans: a package name, or an absolute path. */
  readonly spec: string;
  /** Absolute path of its package or module on this machine. */
  readonly path: string;
  readonly plugin: ActivityPlugin;
  /** Name for people: that of the package, or of the plugin. */
  readonly name: string;
  /** `sha256:<hex>` of its code as it was when it was loaded. */
  readonly digest: string;
}

/**
 * Activities of all plugins by name. Names are unique across plugins: a duplicate would silently replace the
 * first on a worker.
 */
export class Registry {
  readonly plugins: readonly ActivityPlugin[];
  readonly external: readonly ExternalPlugin[];
  private readonly byName = new Map<string, ActivityDefinition>();

  /**
   * @param plugins the built-in ones
   * @throws SamMilError InvalidInput if two activities have the same name
   */
  constructor(plugins: readonly ActivityPlugin[], external: readonly ExternalPlugin[] = []) {
    this.external = external;
    this.plugins = [...plugins, ...external.map(({ plugin }) => plugin)];
    const owners = new Map<string, string>();
    for (const plugin of this.plugins) {
      for (const definition of plugin.activities) {
        const owner = owners.get(definition.name);
        if (owner !== undefined) throw duplicate(definition.name, owner, plugin.name);
        owners.set(definition.name, plugin.name);
        this.byName.set(definition.name, definition);
      }
    }
  }

  /**
   * Returns a registry with one more plugin.
   * @throws SamMilError InvalidInput if a plugin or an activity of the same name is there already
   */
  with(plugin: ExternalPlugin): Registry {
    const { external } = this;
    const namesake = external.find(({ name }) => name === plugin.name);
    if (namesake !== undefined) throw sameName(plugin, namesake);
    const builtIn = this.plugins.slice(0, this.plugins.length - external.length);
    return new Registry(builtIn, [...external, plugin]);
  }

  get names(): string[] {
    return [...this.byName.keys()].sort();
  }

  get(name: string): ActivityDefinition | undefined {
    return this.byName.get(name);
  }

  /** @throws SamMilError InvalidInput, listing the known names */
  require(name: string): ActivityDefinition {
    const found = this.byName.get(name);
    if (found) return found;
    throw new SamMilError('InvalidInput', `there is no activity \`${name}\` on this worker`, {
      expected: `one of ${this.names.join(', ')}`,
      next: 'start the worker with the plugin that contains it (--plugin)',
    });
  }

  /** Whether an external plugin has MIL models. */
  get bringsModels(): boolean {
    return this.external.some(({ plugin }) => Object.keys(plugin.models ?? {}).length > 0);
  }

  /**
   * Returns the digests of the external code that a step runs (its activity and MIL models), by plugin. Empty
   * if all of it is part of this package, whose code the activity versions cover.
   */
  codeOf(definition: ActivityDefinition, models: readonly string[]): Record<string, string> {
    const used = this.external.filter(
      ({ plugin }) =>
        plugin.activities.includes(definition) ||
        models.some((model) => Object.hasOwn(plugin.models ?? {}, model)),
    );
    return Object.fromEntries(used.map((plugin) => [plugin.name, plugin.digest]));
  }
}

/** Receipts name the code of a plugin by the plugin's name. */
function sameName({ name, path }: ExternalPlugin, other: ExternalPlugin): SamMilError {
  return new SamMilError('InvalidInput', `two plugins have the name ${name}`, {
    found: `${other.path} and ${path}`,
    next: 'rename one of them: `name` in package.json, or in the plugin of a single module',
  });
}

function duplicate(name: string, first: string, second: string): SamMilError {
  const where = first === second ? `twice in plugin ${first}` : `in plugins ${first} and ${second}`;
  return new SamMilError('InvalidInput', `activity \`${name}\` is defined ${where}`, {
    next: 'rename one of them; the part before the dot should be the plugin',
  });
}
