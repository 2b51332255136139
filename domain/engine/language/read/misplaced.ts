import type { ProblemList } from '../problems/problems.js';
import { meantKey } from './map-reader.js';
import type { Entry, MapNode, YamlNode } from './yaml-nodes.js';

/** Keys whose values are mappings, and which therefore have no value on their line. */
const PARENTS = ['with', 'retry', 'foreach', 'matrix', 'outputs', 'params', 'defaults', 'stages'];

/**
 * Returns the mapping with the keys that stand after an empty `with:` (or `params:`, …) moved into it: they
 * were not indented. Reports them as one problem.
 *
 * @param keys that the mapping itself can have
 */
export function adoptChildren<Node extends YamlNode>(
  node: Node,
  keys: readonly string[],
  problems: ProblemList,
): Node {
  if (node.kind !== 'map') return node;
  let entries = node.entries;
  for (const parent of PARENTS) {
    const at = entries.findIndex(({ key, value }) => key === parent && isEmpty(value));
    if (at < 0 || !keys.includes(parent)) continue;
    const absent = keys.filter((key) => !entries.some((other) => other.key === key));
    const rest = entries.slice(at + 1);
    const end = rest.findIndex(({ key }) => keys.includes(key) || meantKey(key, absent) !== undefined);
    const children = end < 0 ? rest : rest.slice(0, end);
    if (children.length === 0) continue;
    reportChildren(parent, children, problems);
    const value: MapNode = { kind: 'map', entries: children, place: children[0].keyPlace };
    const after = rest.slice(children.length);
    entries = [...entries.slice(0, at), { ...entries[at], value }, ...after];
  }
  return entries === node.entries ? node : { ...node, entries };
}

function reportChildren(parent: string, children: readonly Entry[], problems: ProblemList): void {
  const [{ key, keyPlace }] = children;
  const more = children.length - 1;
  const which =
    more === 0 ? `\`${key}\`` : `\`${key}\` and the ${more === 1 ? 'key' : `${more} keys`} after it`;
  const verb = more === 0 ? 'is' : 'are';
  const message = `${which} ${verb} not indented under \`${parent}\``;
  const hint = `indent ${more === 0 ? 'it' : 'them'} by ${keyPlace.column + 1} spaces`;
  problems.error('unknown-key', keyPlace, message, hint);
}

/**
 * Returns the top of a file with the stages that are not indented under `stages` moved into it.
 *
 * @param keys of a pipeline
 */
export function placeStages(root: MapNode, keys: readonly string[], problems: ProblemList): MapNode {
  const stages = root.entries.find(({ key }) => key === 'stages');
  if (stages?.value.kind !== 'map') return root;
  const astray = root.entries.filter(
    ({ key: name, value }) =>
      value.kind === 'map' &&
      !keys.includes(name) &&
      !name.startsWith('x-') &&
      value.entries.some(({ key }) => key === 'uses' || key === 'steps'),
  );
  for (const { key, keyPlace } of astray) {
    const message = `the stage \`${key}\` is not indented under \`stages\``;
    problems.error('unknown-key', keyPlace, message, 'indent it, and the lines below it, by 2 more spaces');
  }
  if (astray.length === 0) return root;
  const value: MapNode = { ...stages.value, entries: [...stages.value.entries, ...astray] };
  const rest = root.entries.filter((entry) => !astray.includes(entry));
  return { ...root, entries: rest.map((entry) => (entry === stages ? { ...entry, value } : entry)) };
}

function isEmpty(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === null && !node.broken;
}
