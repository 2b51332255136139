import type { ValueSchema } from '../../../activity-schema.js';
import { related } from '../expressions/did-you-mean.js';

/**
 * Returns the parameter that a name most likely means: written in another way (`batch_size`, `batchSize`),
 * the name in another tool (`learning-rate` for `lr`), or misspelt.
 */
export function meantParameter(
  name: string,
  parameters: Readonly<Record<string, ValueSchema>>,
): string | undefined {
  const names = Object.keys(parameters);
  const given = plain(name);
  const owners = new Map<string, string>();
  for (const own of names) {
    for (const synonym of parameters[own]['x-synonyms'] ?? []) owners.set(plain(synonym), own);
  }
  for (const own of names) owners.set(plain(own), own);
  const exact = owners.get(given);
  if (exact !== undefined) return exact;
  const close = related(kebab(name), names);
  if (close !== undefined) return close;
  const synonym = related(given, [...owners.keys()]);
  return synonym === undefined ? undefined : owners.get(synonym);
}

/** `batch_size`, `batchSize`, `Batch-Size` -> `batch-size`. */
function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[_\s]+/g, '-')
    .toLowerCase();
}

function plain(name: string): string {
  return kebab(name).replaceAll('-', '');
}
