import type { Json } from '../../../json.js';
import { checkFile, type Files } from './check-files.js';
import { suggest } from '../expressions/did-you-mean.js';
import { isScalarText } from '../read/describe.js';
import type { PipelineDocument, SourceDocument, StageDocument } from '../read/document.js';
import { references, wholeReference } from '../expressions/analysis.js';
import { fileNameFault } from '../read/names.js';
import { expressionsIn, foldNode, paramsIn, placeOf } from '../read/node-expressions.js';
import { ProblemList } from '../problems/problems.js';
import type { Scope } from './scope.js';
import type { YamlNode } from '../read/yaml-nodes.js';
import type { PipelineTypes } from './value-types.js';

export interface SourceCheck {
  document: PipelineDocument;
  stage: StageDocument;
  types: PipelineTypes;
  scope: Scope;
  files: Files;
  problems: ProblemList;
}

type FromSource = SourceDocument & { kind: 'from' };
type ListedSource = SourceDocument & { kind: 'glob' | 'dir' | 'csv' | 'list' };

/** Checks the source of a stage's items, as far as it is known before the run. */
export function checkSource(check: SourceCheck): void {
  const { source } = check.stage;
  if (source.kind === 'from') checkFrom(check, source);
  else if (source.kind !== 'single' && source.kind !== 'matrix') checkListed(check, source);
}

function checkListed(check: SourceCheck, source: ListedSource): void {
  if (source.broken) return;
  if (takesItems(check, source)) return;
  if (source.exclude) checkExclude(check, source.exclude);
  if (source.kind === 'list') {
    checkList(check, source);
  } else if (!isScalarText(source.value) || source.value.value.trim() === '') {
    const message = `\`${source.kind}\` must be text`;
    check.problems.error('wrong-type', source.value.place, message, `write ${source.kind}: "path/to/…"`);
  } else if (source.kind !== 'glob') {
    const path = written(check, source.value);
    if (typeof path !== 'string') return;
    checkFile(path, source.value.place, { ...check, params: paramsIn(source.value) });
  }
}

/** Reports `list: ${{ needs.X.items }}`, which must be written as `from: X`. */
function takesItems({ stage, scope, problems }: SourceCheck, source: ListedSource): boolean {
  for (const expression of expressionsIn(source.value, new ProblemList())) {
    const reference = expression.whole ? wholeReference(expression.tree) : undefined;
    const type = reference && scope.resolve(expression, reference, { kind: 'stage' });
    if (type?.kind !== 'items') continue;
    const message = `stage \`${stage.name}\` lists all items of \`${type.stage}\``;
    const hint = `write foreach: { from: ${type.stage} }`;
    problems.error('wrong-kind', placeOf(expression, expression.tree), message, hint);
    return true;
  }
  return false;
}

/** Null and empty text mean that nothing is excluded. */
function checkExclude(check: SourceCheck, node: YamlNode): void {
  const path = written(check, node);
  if (path === undefined || path === null || path === '') return;
  if (typeof path === 'string') checkFile(path, node.place, { ...check, params: paramsIn(node) });
  else
    check.problems.error(
      'wrong-type',
      node.place,
      '`exclude` must be the path of a CSV file',
      'write exclude: excluded.csv, a table with the columns item and reason',
    );
}

/** Returns a value of the source if it depends only on params. */
function written({ document }: SourceCheck, node: YamlNode): Json | undefined {
  const params = { params: document.known.values };
  const open = expressionsIn(node, new ProblemList()).some(({ tree }) => {
    return references(tree).some(({ root }) => root !== 'params');
  });
  return open ? undefined : foldNode(node, params, new ProblemList());
}

/** Checks a literal `list:`: its type, and the keys that become file names. */
function checkList(check: SourceCheck, source: ListedSource): void {
  const { problems } = check;
  const value = written(check, source.value);
  if (value === undefined) return;
  if (!Array.isArray(value)) {
    problems.error('wrong-type', source.value.place, '`list` must be a list', 'write list: [a, b]');
    return;
  }
  const field = source.keyField?.name;
  value.forEach((item, index) => {
    if (field === undefined || typeof item !== 'object' || item === null || Array.isArray(item)) return;
    const key = Object.hasOwn(item, field) ? item[field] : undefined;
    const place = source.value.kind === 'list' ? source.value.items[index].place : source.value.place;
    const fault = typeof key === 'string' ? fileNameFault(key) : undefined;
    if (key === undefined) {
      problems.error('missing-key', place, `this item has no field \`${field}\`, which \`key\` names`);
    } else if (fault !== undefined) {
      problems.error('bad-name', place, `the key ${JSON.stringify(key)} is not a valid file name: ${fault}`);
    }
  });
}

function checkFrom({ stage, types, scope, problems }: SourceCheck, source: FromSource): void {
  const { name, place } = source.stage;
  const target = types.stages.get(name);
  if (target === undefined || target === stage) {
    const others = [...types.stages.keys()].filter((other) => other !== stage.name);
    const message = target ? 'a stage cannot take its own items' : `stage \`${name}\` does not exist`;
    problems.unknown(
      { kind: 'stage', name },
      'unknown-name',
      place,
      message,
      suggest(name, others, 'stages'),
    );
    return;
  }
  if (!stage.needs.some((need) => need.name === name)) scope.needs.missing.set(name, place.line);
  const origin = types.origin(target)?.source.kind;
  if (origin === 'single') {
    const hint = `use needs.${name}.outputs instead`;
    problems.error('conflicting-keys', place, `stage \`${name}\` has only one item`, hint);
  } else if (source.form === 'matrix' && origin !== undefined && origin !== 'matrix') {
    const hint = `write foreach: { from: ${name} }`;
    problems.error('conflicting-keys', place, `stage \`${name}\` has no matrix`, hint);
  }
}
