import { canonicalJson, type Json, type JsonObject } from '../../json.js';
import type { Ingredients, InputIngredient } from './cache-key.js';
import type { OutputFault } from './receipts.js';

/** Describes why a step runs, for `plan --why` and the log. */
export function faultText({ path, fault }: OutputFault): string {
  return fault === 'missing'
    ? `output ${path} is missing`
    : `output ${path} has changed since it was written`;
}

/**
 * Describes the first ingredient that differs, in the order in which users consider causes: code, parameters,
 * data, weights.
 */
export function firstDifference(before: Ingredients, now: Ingredients): string | undefined {
  if (before.activity !== now.activity) return `activity ${before.activity} -> ${now.activity}`;
  if (before.version !== now.version) {
    return `${now.activity} version ${before.version} -> ${now.version}`;
  }
  return (
    codeDifference(before.code, now.code) ??
    parameterDifference(before.with, now.with) ??
    inputDifference(before, now) ??
    memberDifference('weights', before.hidden, now.hidden) ??
    (before.name === now.name ? undefined : `item ${before.name} -> ${now.name}`)
  );
}

function codeDifference(before: Ingredients['code'] = {}, now: Ingredients['code'] = {}): string | undefined {
  const plugin = places(before, now).find((name) => before[name] !== now[name]);
  return plugin && `code of plugin ${plugin} changed`;
}

function parameterDifference(before: JsonObject, now: JsonObject): string | undefined {
  return memberDifference('with', before, now);
}

function inputDifference(before: Ingredients, now: Ingredients): string | undefined {
  for (const place of places(before.inputs, now.inputs)) {
    const was = before.inputs[place];
    const is = now.inputs[place];
    if (!was) return `input ${place} is new`;
    if (!is) return `input ${place} was removed`;
    if (was.digest !== is.digest) {
      const part = partDifference(was.parts, is.parts);
      if (part !== undefined) return part;
      // A list of items has no name.
      return is.name === ''
        ? `input ${place} has different items`
        : `input ${place} (${is.name}) has different content`;
    }
    if (was.name !== is.name) return `input ${place} was renamed ${was.name} -> ${is.name}`;
  }
  return undefined;
}

/** Names the part of an input that differs: `training bag slide_07 has other content`. */
function partDifference(before: InputIngredient['parts'], now: InputIngredient['parts']): string | undefined {
  if (!before || !now) return undefined;
  const part = places(before, now).find((name) => before[name] !== now[name]);
  if (part === undefined) return undefined;
  if (!Object.hasOwn(before, part)) return `${part} is new`;
  if (!Object.hasOwn(now, part)) return `${part} was removed`;
  const [was, is] = [before[part], now[part]];
  return is.startsWith('sha256:') ? `${part} has other content` : `${part}: ${was} -> ${is}`;
}

function memberDifference(group: string, before: JsonObject, now: JsonObject): string | undefined {
  for (const name of places(before, now)) {
    const was = canonicalJson(before[name]);
    const is = canonicalJson(now[name]);
    if (was !== is) return `${group} ${name}: ${shown(before[name])} -> ${shown(now[name])}`;
  }
  return undefined;
}

function places(before: object, now: object): string[] {
  return [...new Set([...Object.keys(now), ...Object.keys(before)])].sort();
}

function shown(value: Json | undefined): string {
  if (value === undefined) return '(not given)';
  const text = typeof value === 'string' ? value : canonicalJson(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
