import type { JsonObject } from '../../../json.js';

/**
 * Names a group, such as `sam-mil · alpha 0.5`: strings appear as they are, numbers and booleans with their
 * field name, absent values are omitted.
 */
export function groupName(values: JsonObject, groupBy: readonly string[]): string {
  const named = groupBy.flatMap((field) => {
    const value = values[field];
    if (value === undefined) return [];
    if (typeof value === 'boolean') return [`${field} ${value ? 'on' : 'off'}`];
    return [typeof value === 'string' ? value : `${field} ${JSON.stringify(value)}`];
  });
  return named.join(' · ') || 'unknown';
}
