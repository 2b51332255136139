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

/** Hint for a text that is meant as a number: `"3"`, `98 %`, `0,5`. */
export function numberHint(value: Json): string | undefined {
  if (typeof value !== 'string') return undefined;
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(value)?.[1];
  if (percent !== undefined) return `write ${Number((Number(percent) / 100).toPrecision(12))}`;
  if (/^-?\d+(\.\d+)?[,;]$/.test(value)) return `write ${value.slice(0, -1)}`;
  if (/^-?\d+,\d+$/.test(value)) return `write ${value.replace(',', '.')}`;
  return /^-?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(value) ? 'write it without quotes' : undefined;
}

export function booleanHint(value: Json): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^(yes|on|y|true)$/i.test(value)) return 'write true';
  return /^(no|off|n|false)$/i.test(value) ? 'write false' : undefined;
}
