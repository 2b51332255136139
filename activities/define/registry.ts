import { SamMilError } from '../../domain/errors.js';
import type { ActivityDefinition, ActivityPlugin } from './define-activity.js';

/** Activities by name, from all plugins. Names are unique across plugins: a second one would silently replace the first on a worker. */
export class Registry {
  readonly plugins: readonly ActivityPlugin[];
  private readonly byName = new Map<string, ActivityDefinition>();

  /** @throws SamMilError InvalidInput where two activities have one name */
  constructor(plugins: readonly ActivityPlugin[]) {
    this.plugins = plugins;
    const owners = new Map<string, string>();
    for (const plugin of plugins) {
      for (const definition of plugin.activities) {
        const owner = owners.get(definition.name);
        if (owner !== undefined) throw duplicate(definition.name, owner, plugin.name);
        owners.set(definition.name, plugin.name);
        this.byName.set(definition.name, definition);
      }
    }
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
}

function duplicate(name: string, first: string, second: string): SamMilError {
  const where = first === second ? `twice in plugin ${first}` : `in plugins ${first} and ${second}`;
  return new SamMilError('InvalidInput', `activity \`${name}\` is defined ${where}`, {
    next: 'rename one of them; the part before the dot should be the plugin',
  });
}
