import { basename } from 'node:path';
import { SamMilError } from '../../errors.js';
import type { Json, JsonObject } from '../../json.js';
import type { InputFile } from '../../job.js';
import { camelCase } from '../../parameters.js';
import { refuseClassOptions } from '../cohort/endpoint-options.js';
import { looksLikeCheckpoint, refuseMixedMembers, sortMembers } from '../cohort/ensemble-members.js';
import { lockRisks } from '../cohort/lock-risks.js';
import { lockThreshold, storedValidation, type LockedThreshold } from '../cohort/lock-threshold.js';
import { joinTable, readSlideTable } from '../cohort/slide-table.js';
import { agreedValues, groupByPatient } from '../combine/patients.js';
import { readCheckpoint } from '../models/checkpoint.js';
import { firstNames } from '../bags/first-names.js';
import { classesOf, type RegressionTarget, type SurvivalTarget, type Target } from '../targets/target.js';
import type { PredictWith } from './parameters.js';

/** What is known of the step; see `StepToCheck` of the activities. */
interface KnownPredict {
  readonly with: JsonObject;
  readonly unknown: ReadonlySet<string>;
  readonly items: Readonly<Record<string, readonly { key: string; skip?: string; path?: string }[]>>;
}

interface Findings {
  found?: string[];
  warnings?: string[];
  unknown?: string[];
}

/**
 * Checks the checkpoints and the labels as far as they exist before the run: whether the checkpoints are of
 * one model, whether they have the threshold that is asked for, and the columns and classes of the labels.
 *
 * @throws SamMilError as `mil.predict` itself
 */
export function checkPredict(step: KnownPredict): Findings {
  const members = knownMembers(step);
  if (members === undefined) {
    return { unknown: ['the checkpoints of mil.predict, which an earlier stage makes'] };
  }
  refuseMixedMembers(sortMembers(members));
  const options = settings(step.with);
  const [{ head }] = members;
  refuseClassOptions(head.target.endpoint, options);
  const classes = classesOf(head.target);
  const threshold =
    head.target.endpoint === 'classification'
      ? lockClasses(members, options, classes)
      : lockScores(members, head.target);
  const many = members.length === 1 ? '1 checkpoint' : `${members.length} checkpoints`;
  const limit = threshold.value === null ? '' : `, threshold ${Number(threshold.value.toFixed(4))}`;
  const labels = step.unknown.has('labels') ? undefined : checkLabels(step, options, classes);
  return {
    found: [
      `${many} of ${head.config.model} (${textOf(head.target)})${limit}: ${threshold.from}`,
      ...(labels?.found ?? []),
    ],
    warnings: labels?.warnings ?? [],
    unknown: step.unknown.has('labels') ? ['the labels of mil.predict, which an earlier stage makes'] : [],
  };
}

type KnownMember = NonNullable<ReturnType<typeof knownMembers>>[number];

function lockClasses(
  members: readonly KnownMember[],
  { threshold: rule, level, patientScore: combination }: PredictWith,
  classes: readonly string[],
): LockedThreshold {
  const validations = members.map(({ head }) => storedValidation(head.training));
  return lockThreshold(validations, { classes, ...(rule !== undefined && { rule }), level, combination });
}

function lockScores(
  members: readonly KnownMember[],
  target: SurvivalTarget | RegressionTarget,
): LockedThreshold {
  if (target.endpoint === 'regression') return { value: null, from: 'mean of the values' };
  const trained = members.map(({ name, head: { training } }) => ({ name, training }));
  const { threshold, from } = lockRisks(trained, target.head);
  return { value: threshold, from };
}

function textOf(target: Target): string {
  if (target.endpoint === 'classification') return target.classes.join(', ');
  return target.endpoint === 'survival' ? `survival by ${target.time}` : `regression of ${target.value}`;
}

function knownMembers({ with: { checkpoint }, items: { checkpoints } }: KnownPredict) {
  const paths =
    typeof checkpoint === 'string'
      ? [checkpoint]
      : checkpoints?.filter(({ skip }) => skip === undefined).map(({ path }) => path);
  if (paths === undefined || paths.length === 0) return undefined;
  const files = paths.filter((path) => path !== undefined).filter(looksLikeCheckpoint);
  if (files.length !== paths.length) return undefined;
  return files.map((path) => ({ name: basename(path), head: readCheckpoint(path) }));
}

function checkLabels(
  { items: { bags } }: KnownPredict,
  { labels, level, ...options }: Pick<PredictWith, 'labels' | 'level'> & Partial<PredictWith>,
  classes: readonly string[],
): Findings {
  if (labels === undefined) {
    if (level === 'slide') return {};
    throw new SamMilError('InvalidInput', '`level: patient` needs the patient of each slide', {
      expected: '`labels`: a table with a patient column',
      next: 'set `labels`, or use `level: slide`',
    });
  }
  const table = readSlideTable(labels.path, classes.length === 0 ? undefined : classes, options);
  if (level === 'patient') checkPatients(table, classes);
  const counts = classes.map((name, k) => `${name} ${table.rows.filter(({ label }) => label === k).length}`);
  const unlabeled = table.rows.filter(({ label }) => label === null).length;
  const without = unlabeled === 0 ? '' : `, without a label ${unlabeled}`;
  const rows = `${table.rows.length} rows of labels`;
  const found = [classes.length === 0 ? rows : `${rows}: ${counts.join(', ')}${without}`];
  if (bags === undefined) return { found };
  const { missing } = joinTable(bags.map(({ key }) => key), table); // prettier-ignore
  const lacking = `${missing.length} of ${bags.length} slides have no row in the labels: ${firstNames(missing)}`;
  return { found, warnings: missing.length === 0 ? [] : [lacking] };
}

function checkPatients(
  { rows, has, file }: ReturnType<typeof readSlideTable>,
  classes: readonly string[],
): void {
  if (!has.patient) {
    throw new SamMilError('InvalidInput', '`level: patient` needs a patient column', {
      file,
      expected: 'a column such as patient_id',
      next: 'add the column, or set `group-column` to its name',
    });
  }
  const known = rows.flatMap(({ patient, label }) => (patient === undefined ? [] : [{ patient, label }]));
  agreedValues(
    known.map(({ label }) => (label === null ? null : classes[label])),
    groupByPatient(known.map(({ patient }) => patient)),
    'labels',
  );
}

/** The parameters as the implementation gets them. The digest of a file does not matter here. */
function settings(given: JsonObject): PredictWith {
  const file = (path: Json | undefined): InputFile | undefined =>
    typeof path === 'string' ? { path, digest: '', name: '' } : undefined;
  const entries = Object.entries(given).map(([name, value]) => [camelCase(name), value] as const);
  return { ...Object.fromEntries(entries), labels: file(given.labels) } as unknown as PredictWith;
}
