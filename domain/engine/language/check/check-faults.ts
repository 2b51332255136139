import { resolve } from 'node:path';
import type { JsonObject } from '../../../json.js';
import { foldTemplate } from '../expressions/analysis.js';
import { expressionsIn, readsUnset } from '../read/node-expressions.js';
import { ProblemList } from '../problems/problems.js';
import { toJson } from '../read/yaml-nodes.js';
import { ANY_FILES } from './check-files.js';
import type { StepCheck } from './check-with.js';
import { schemaFaults } from './schema-faults.js';

/**
 * Reports what an activity finds wrong in the parameters of a step as a whole. Called after each of them was
 * checked; if one has a fault, nothing more is said about the step.
 */
export function checkFaults(check: StepCheck): void {
  const { entry, step, files, problems } = check;
  const given = entry?.findFaults && knownWith(check);
  if (given === undefined) return;
  const exists = files === ANY_FILES ? undefined : (path: string) => files.exists(resolve(files.base, path));
  for (const { parameter, what, next, missing, warning } of entry?.findFaults?.(given, exists) ?? []) {
    const node = step.with.find(({ key }) => key === parameter)?.value;
    const place = node?.place ?? step.uses.place;
    const message = `\`${parameter}\` ${what}`;
    if (warning === undefined) problems.error(missing ? 'missing-with' : 'bad-value', place, message, next);
    else problems.warning(warning, place, message, next);
  }
}

/** The parameters with the params of the run filled in; undefined if one of them is faulty or not known. */
function knownWith({ document, step, entry }: StepCheck): JsonObject | undefined {
  const silent = new ProblemList();
  const given: JsonObject = {};
  for (const { key, value } of step.with) {
    const expressions = expressionsIn(value, silent);
    if (silent.sorted().length > 0) return undefined;
    if (expressions.some((expression) => readsUnset(expression, document.known))) return undefined;
    try {
      given[key] = foldTemplate(toJson(value), { params: document.known.values });
    } catch {
      return undefined;
    }
    const schema = entry?.with[key];
    if (given[key] === null) delete given[key];
    else if (schema === undefined) return undefined;
    else if (expressions.length === 0 && schemaFaults(schema, given[key]).length > 0) return undefined;
  }
  return entry?.required.every((name) => given[name] !== undefined) ? given : undefined;
}
