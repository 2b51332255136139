import { basename, isAbsolute, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { readItems } from '../../engine/store/items.js';
import { requireContent } from '../../engine/store/damaged-output.js';
import { canonicalJson, type Json, type JsonObject } from '../../json.js';
import { isFileRef, type InputFile } from '../../job.js';
import type { Checkpoint } from '../models/model.js';
import { outputsOf, type Target } from '../targets/target.js';

/** A checkpoint file of an ensemble. */
export interface MemberFile {
  /** Name of its cell: `sam-mil-0-2`. */
  name: string;
  /** Absolute. */
  path: string;
  digest: string;
}

/**
 * Lists the checkpoints of an ensemble.
 * @param work absolute path of the work folder, to which the outputs' paths are relative
 * @throws SamMilError InvalidInput if neither or both are given, or no item has a checkpoint; OutputDamaged
 */
export function memberFiles(
  { checkpoint, checkpoints }: { checkpoint?: InputFile; checkpoints?: InputFile },
  work: string,
): MemberFile[] {
  if ((checkpoint === undefined) === (checkpoints === undefined)) {
    throw new SamMilError('InvalidInput', 'set either `checkpoint` or `checkpoints`', {
      found: checkpoint === undefined ? 'neither' : 'both',
    });
  }
  if (checkpoint !== undefined)
    return [{ name: checkpoint.name, path: checkpoint.path, digest: checkpoint.digest }];
  const file = checkpoints!.path;
  const members = readItems(file).flatMap(({ key, status, outputs }) => {
    const ref = outputs.checkpoint;
    if (status !== 'done' || !isFileRef(ref)) return [];
    const path = isAbsolute(ref.path) ? ref.path : join(work, ref.path);
    requireContent(path, ref.digest);
    return [{ name: key, path, digest: ref.digest }];
  });
  if (members.length > 0) return members;
  throw new SamMilError('InvalidInput', 'no item has a checkpoint', {
    file,
    expected: 'finished items of mil.train-fold or mil.import-checkpoint',
  });
}

/** What must agree within an ensemble, besides the weights. */
export type MemberHead = Pick<Checkpoint, 'config' | 'target' | 'groupFeatures' | 'training'>;

/**
 * Refuses checkpoints that do not belong to one model: an average over them would have no meaning.
 * @throws SamMilError InvalidInput naming two checkpoints and both values
 */
export function refuseMixedMembers(members: readonly { name: string; head: MemberHead }[]): void {
  const [first, ...others] = members;
  for (const other of others) {
    const [a, b] = [factsOf(first.head), factsOf(other.head)];
    const fact = Object.keys({ ...a, ...b }).find((name) => textOf(a[name]) !== textOf(b[name]));
    if (fact === undefined) continue;
    throw new SamMilError('InvalidInput', `the checkpoints of an ensemble differ in ${fact}`, {
      expected: `${fact} ${textOf(a[fact])}, as ${first.name}`,
      found: `${fact} ${textOf(b[fact])} in ${other.name}`,
      next: 'give the checkpoints of one model only',
    });
  }
  refuseSameTraining(members);
}

function textOf(value: Json | undefined): string {
  if (value === undefined) return 'not stated';
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'string' ? value : canonicalJson(value);
}

function factsOf({ config, target, groupFeatures, training }: MemberHead): JsonObject {
  const { model, dim, options, ...sizes } = config;
  const origin = (training['bag-facts'] ?? {}) as JsonObject;
  const encoder = Object.entries(origin).filter(([name]) => name.startsWith('encoder'));
  return {
    model,
    'model options': options,
    endpoint: target.endpoint,
    ...targetFacts(target),
    ...Object.fromEntries(encoder),
    'features per row': dim,
    'group rows': groupFeatures,
    'model sizes': { ...sizes },
  };
}

/** The edges of time bins may differ: each fold has those of its own training patients. */
function targetFacts(target: Target): JsonObject {
  if (target.endpoint === 'classification') return { classes: target.classes };
  if (target.endpoint === 'regression') return { value: target.value };
  const { head, time } = target;
  return { head, time, ...(target.head === 'hazard' && { 'number of time bins': outputsOf(target) }) };
}

/** One fold under two protocols has the same number twice, and would count double. */
function refuseSameTraining(members: readonly { name: string; head: MemberHead }[]): void {
  const seen = new Map<string, string>();
  for (const { name, head } of members) {
    const { repeat, fold, seed } = head.training;
    if (typeof repeat !== 'number' || typeof fold !== 'number') continue;
    const key = canonicalJson([repeat, fold, seed]);
    const before = seen.get(key);
    if (before !== undefined) {
      throw new SamMilError(
        'InvalidInput',
        `two checkpoints of an ensemble are of repeat ${repeat}, fold ${fold}`,
        {
          expected: 'each fold once, such as of one protocol',
          found: `${before} and ${name}`,
          next: 'give the checkpoints of one model and protocol only',
        },
      );
    }
    seen.set(key, name);
  }
}

/** By repeat, fold and name, so that results do not depend on the order in which files are listed. */
export function sortMembers<Member extends { name: string; head: MemberHead }>(members: Member[]): Member[] {
  const place = ({ head: { training } }: Member) =>
    [training.repeat, training.fold].map((value) => (typeof value === 'number' ? value : Infinity));
  return members.sort((a, b) => {
    const [x, y] = [place(a), place(b)];
    return compare(x[0], y[0]) || compare(x[1], y[1]) || (a.name < b.name ? -1 : 1);
  });
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a file may be a checkpoint, by its name. */
export function looksLikeCheckpoint(path: string): boolean {
  return /\.(?:safetensors|pt)$/i.test(basename(path));
}
