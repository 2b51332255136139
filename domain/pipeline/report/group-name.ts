import type { JsonObject } from '../../json.js';

/** `sam-mil · alpha 0.5`: texts as they are, numbers and true/false with their field's name, what is absent left out. */
export function groupName(values: JsonObject, groupBy: readonly string[]): string {
  const named = groupBy.flatMap((field) => {
    const value = values[field];
    if (value === undefined) return [];
    if (typeof value === 'boolean') return [`${field} ${value ? 'on' : 'off'}`];
    return [typeof value === 'string' ? value : `${field} ${JSON.stringify(value)}`];
  });
  return named.join(' · ') || 'unknown';
}
