import { SamMilError } from '../../domain/errors.js';
import type { ActivityPlugin } from '../define/define-activity.js';

/** A plugin that is loaded twice keeps its models: the registry of models tells them by identity. */
const guards = new WeakMap<ActivityPlugin, ActivityPlugin>();

/**
 * Returns the plugin with each `load`, of an activity or a model, followed by a check that the plugin's code
 * still has its digest. The implementation is imported long after the digest was taken: an edit in between
 * would write receipts under the key of the old code.
 *
 * @param codeDigest digest of the code as it is now
 */
export function guardLoads(
  plugin: ActivityPlugin,
  path: string,
  digest: string,
  codeDigest: () => string,
): ActivityPlugin {
  const known = guards.get(plugin);
  if (known !== undefined) return known;
  const check = (): void => refuseChangedCode(path, digest, codeDigest());
  const models = Object.entries(plugin.models ?? {}).map(([name, entry]) => [name, guarded(entry, check)]);
  const guardedPlugin = {
    ...plugin,
    activities: plugin.activities.map((definition) => guarded(definition, check)),
    ...(plugin.models === undefined ? {} : { models: Object.fromEntries(models) as typeof plugin.models }),
  };
  guards.set(plugin, guardedPlugin);
  return guardedPlugin;
}

/** @throws SamMilError Unavailable if the digests differ */
export function refuseChangedCode(path: string, expected: string, found: string | undefined): void {
  if (found === expected) return;
  throw new SamMilError('Unavailable', 'the code of the plugin changed after this worker started', {
    file: path,
    expected,
    found,
    next: 'stop the worker and resume the run: steps whose code changed run again',
  });
}

/** A copy whose `load` checks afterwards. Getters, such as `with` of an activity, stay getters. */
function guarded<T extends { load(): Promise<unknown> }>(entry: T, check: () => void): T {
  const load = async (): Promise<unknown> => {
    const loaded = await entry.load();
    check();
    return loaded;
  };
  const properties = Object.getOwnPropertyDescriptors(entry);
  return Object.defineProperties({}, { ...properties, load: { value: load, enumerable: true } }) as T;
}
