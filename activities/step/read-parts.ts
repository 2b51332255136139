import { basename, join, parse } from 'node:path';
import { digestOf } from '../../domain/digest.js';
import { writeAtomic } from '../../domain/files/atomic.js';
import { makeScratchFolder } from '../../domain/files/make-folders.js';
import { isItemsRef, type InputFile, type ItemRecord } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import { camelCase } from '../../domain/parameters.js';
import { SamMilError } from '../../domain/errors.js';
import { requireContent } from '../../domain/engine/store/damaged-output.js';
import { readItems } from '../../domain/engine/store/items.js';
import { readItems as readReferenced } from '../../domain/engine/store/items-digest.js';
import type { ReadPart } from '../../domain/engine/store/read-part.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import type { GivenInput } from './resolve-with.js';

/** Parts of inputs by the name of the parameter. */
export type ReadParts = Readonly<Record<string, ReadPart>>;

/**
 * Returns the parts of its inputs that a step reads; see {@link ActivityDefinition.reads}. Their lists and
 * files are small and are read each time.
 * @throws SamMilError as the activity's `reads` does
 */
export async function readParts(
  definition: ActivityDefinition,
  { parameters, inputs }: { parameters: JsonObject; inputs: readonly GivenInput[] },
  files: Readonly<Record<string, InputFile>>,
  step: { work: string; item: string },
): Promise<ReadParts> {
  if (!definition.reads) return {};
  const { work, item: name } = step;
  const items = async (place: string): Promise<readonly ItemRecord[]> => {
    const value = inputs.find((input) => input.place.join('.') === place)?.value;
    if (isItemsRef(value)) return readReferenced(work, value);
    requireContent(files[place].path, files[place].digest);
    return readItems(files[place].path);
  };
  const parts = await definition.reads({ parameters, inputs: files, name, work, items });
  const unknown = Object.keys(parts).find((place) => files[place] === undefined);
  if (unknown === undefined) return parts;
  throw new SamMilError(
    'ContractBroken',
    `${definition.name} reads a part of an input that it does not have`,
    {
      expected: Object.keys(files).join(', '),
      found: unknown,
    },
  );
}

/**
 * Writes the parts to the attempt's folder and returns `job.with` with them in place of the whole inputs, so
 * that the implementation cannot read what its key does not cover.
 */
export function placeParts(jobWith: JsonObject, parts: ReadParts, scratch: string): JsonObject {
  const rest = { ...jobWith };
  for (const [place, { text, name, absent }] of Object.entries(parts)) {
    const key = camelCase(place);
    const whole = jobWith[key] as JsonObject & InputFile;
    if (absent) {
      delete rest[key];
      continue;
    }
    const path = join(makeScratchFolder(scratch, '.inputs', place), name ?? basename(whole.path));
    writeAtomic(path, text);
    rest[key] = { ...whole, path, digest: digestOf(text), name: parse(path).name };
  }
  return rest;
}
