import type { Json, JsonObject } from '../../../../json.js';
import type { Claim, Triple, VitFacts } from './config-facts.js';

/** Collects what a configuration states about facts; values other than numbers and booleans state nothing. */
export function claimsOf(
  value: JsonObject,
  prefix: string,
  facts: Readonly<Record<string, keyof VitFacts>>,
): Claim[] {
  return Object.entries(facts).flatMap(([name, fact]) => {
    const stated = fact === 'patch' || fact === 'imageSize' ? pairSide(value[name]) : value[name];
    return typeof stated === 'number' || typeof stated === 'boolean'
      ? [{ key: prefix + name, fact, value: stated }]
      : [];
  });
}

/** A size in pixels, which may be written for each axis: [224, 224]. */
export function pairSide(value: Json | undefined): number | undefined {
  return numberOf(Array.isArray(value) ? value[0] : value);
}

export function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function tripleOf(value: Json | undefined): Triple | undefined {
  if (!Array.isArray(value) || value.length !== 3) return undefined;
  const [red, green, blue] = value;
  return typeof red === 'number' && typeof green === 'number' && typeof blue === 'number'
    ? [red, green, blue]
    : undefined;
}
