import { SamMilError } from '../../domain/errors.js';
import type { ActivityDefinition, ActivityPlugin } from './define-activity.js';

/** A plugin that does not ship with this package. */
export interface ExternalPlugin {
  /** What a plan names it by: a package's name, or an absolute path. */
  readonly spec: string;
  /** Absolute path of its package or module on this machine. */
  readonly path: string;
  readonly plugin: ActivityPlugin;
  /** What people know it by: the package's name, or that of the plugin. */
  readonly name: string;
  /** `sha256:<hex>` of its code as it was when it was loaded. */
  readonly digest: string;
}

/** Activities by name, from all plugins. Names are unique across plugins: a second one would silently replace the first on a worker. */
export class Registry {
  readonly plugins: readonly ActivityPlugin[];
  readonly external: readonly ExternalPlugin[];
  private readonly byName = new Map<string, ActivityDefinition>();

  /**
   * @param plugins the built-in ones
   * @throws SamMilError InvalidInput where two activities have one name
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

  /** The same with one more plugin. */
  with(plugin: ExternalPlugin): Registry {
    const { external } = this;
    const builtIn = this.plugins.slice(0, this.plugins.length - external.length);
    return new Registry(builtIn, [...external, plugin]);
  }

  get names(): string[] {
    return [...this.byName.keys()].sort();
  }

  get(name: string): ActivityDefinition | undefined {
    return this.byName.get(name);
  }

  /** @throws SamMilError InvalidInput, with the names there are */
  require(name: string): ActivityDefinition {
    const found = this.byName.get(name);
    if (found) return found;
    throw new SamMilError('InvalidInput', `there is no activity \`${name}\` on this worker`, {
      expected: `one of ${this.names.join(', ')}`,
      next: 'start the worker with the plugin that holds it (--plugin)',
    });
  }

  /** Whether a MIL model may be of an external plugin. */
  get bringsModels(): boolean {
    return this.external.some(({ plugin }) => Object.keys(plugin.models ?? {}).length > 0);
  }

  /**
   * Digests of the external code that a step runs, by plugin: the code of its activity and of the MIL models it uses.
   * Empty for a step whose code all ships with this package: the version of the activity stands for that.
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

function duplicate(name: string, first: string, second: string): SamMilError {
  const where = first === second ? `twice in plugin ${first}` : `in plugins ${first} and ${second}`;
  return new SamMilError('InvalidInput', `activity \`${name}\` is defined ${where}`, {
    next: 'rename one of them; the part before the dot should be the plugin',
  });
}
