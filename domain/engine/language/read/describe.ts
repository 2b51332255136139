import type { Json } from '../../../json.js';
import type { ScalarNode, YamlNode } from './yaml-nodes.js';

export function isScalarText(node: YamlNode): node is ScalarNode & { value: string } {
  return node.kind === 'scalar' && typeof node.value === 'string';
}

/** Describes a value, for "expected X, found Y". */
export function describeNode(node: YamlNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  return describeValue(node.value);
}

export function describeValue(value: Json): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the text ${JSON.stringify(shortened(value))}`;
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : 'a mapping';
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function booleanHint(value: Json): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^(yes|on|y|true)$/i.test(value)) return 'write true';
  return /^(no|off|n|false)$/i.test(value) ? 'write false' : undefined;
}
