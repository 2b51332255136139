import type { Json } from '../../../json.js';
import type { Place } from '../problems/problems.js';

/**
 * YAML text as plain values with their places. Anchors and aliases are resolved; tags, merge keys and keys
 * other than text are rejected.
 */

export interface ScalarNode {
  kind: 'scalar';
  value: null | boolean | number | string;
  place: Place;
  /** The value could not be read. This has been reported, so later checks report nothing more about it. */
  broken?: boolean;
  /** Place of a part of a text value. The offsets are relative to the value. */
  placeOf(start: number, end: number): Place;
}

export interface ListNode {
  kind: 'list';
  items: YamlNode[];
  place: Place;
}

export interface MapNode {
  kind: 'map';
  entries: Entry[];
  place: Place;
}

export interface Entry {
  key: string;
  keyPlace: Place;
  value: YamlNode;
}

export type YamlNode = ScalarNode | ListNode | MapNode;

/** The value without its places. */
export function toJson(node: YamlNode): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]));
}
