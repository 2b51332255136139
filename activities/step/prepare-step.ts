import { basename, isAbsolute, join, parse } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { isFileRef, isItemsRef, type FileRef, type InputFile } from '../../domain/job.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { camelCase } from '../../domain/parameters.js';
import { cacheKey, type InputIngredient, type Ingredients } from '../../domain/engine/store/cache-key.js';
import { companionFiles } from '../../domain/pathology/slides/slide-files.js';
import { firstDifference } from '../../domain/engine/store/explain.js';
import { damagedOutput } from '../../domain/engine/store/damaged-output.js';
import { contentFault, digestOfInput, type DigestCache } from '../../domain/engine/store/digest-cache.js';
import { resolveInside } from '../../domain/engine/store/inside.js';
import type { StepInput } from '../../domain/engine/item/step-input.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import type { EngineContext } from './engine-context.js';
import { digestOfPart } from '../../domain/engine/store/read-part.js';
import { digestOfItems } from '../../domain/engine/store/items-digest.js';
import { readParts, type ReadParts } from './read-parts.js';
import { resolveWith, type GivenInput, type ResolvedWith } from './resolve-with.js';

/** A step whose parameters are checked and whose inputs are known by content. */
export interface PreparedStep {
  definition: ActivityDefinition;
  ingredients: Ingredients;
  key: string;
  /** `job.with`: keys in camelCase, inputs as {@link InputFile}, whole. */
  jobWith: JsonObject;
  /** What the step reads of some of its inputs. */
  parts: ReadParts;
  /** Digests, by absolute path, of the inputs that are part of the key and not outputs of earlier steps. */
  read: Record<string, string>;
  /** Outputs of earlier steps among the inputs, relative to the work folder. */
  derived: string[];
}

export type StepToPrepare = Pick<StepInput, 'work' | 'base' | 'item' | 'single' | 'with'>;

/** The part of the engine that preparing a step needs. */
export type StepEngine = Pick<EngineContext, 'registry' | 'digests'>;

/**
 * Checks a step's parameters and digests its inputs.
 * @throws SamMilError InvalidInput for invalid parameters or a missing or unreadable input, OutputDamaged for
 * a changed or deleted output of an earlier step
 */
export async function prepareStep(
  engine: StepEngine,
  definition: ActivityDefinition,
  step: StepToPrepare,
): Promise<PreparedStep> {
  const prepared = await prepare(engine, definition, step, 'read');
  if (prepared) return prepared;
  throw new SamMilError('Internal', `inputs of ${definition.name} were read but are still unknown`);
}

/**
 * Like {@link prepareStep} without reading any input: returns undefined if a digest is not known. References
 * are trusted, because the caller has checked them.
 */
export async function prepareKnownStep(
  engine: StepEngine,
  definition: ActivityDefinition,
  step: StepToPrepare,
): Promise<PreparedStep | undefined> {
  return prepare(engine, definition, step, 'known');
}

async function prepare(
  engine: StepEngine,
  definition: ActivityDefinition,
  step: StepToPrepare,
  how: 'read' | 'known',
): Promise<PreparedStep | undefined> {
  const resolved = resolveWith(definition, step.with);
  const { parameters, inputs, inKey } = resolved;
  const found = await digestWhatIsRead(engine, definition, resolved, step, how);
  if (!found) return undefined;
  const { digests, files, parts } = found;
  const jobWith = structuredClone(parameters);
  for (const { place } of inputs) put(jobWith, place, { ...files[place.join('.')] });
  const hidden = (await definition.hiddenInputs?.(parameters, files)) ?? {};
  const code = await externalCode(engine, definition, parameters, files, step.work);
  const ingredients: Ingredients = {
    activity: definition.name,
    version: definition.version,
    name: step.single ? '' : step.item,
    with: inKey,
    inputs: digests,
    hidden,
    ...(Object.keys(code).length > 0 && { code }),
  };
  const own = inputs.filter(
    ({ kind, value, inKey: counts }) => counts && kind === 'file' && typeof value === 'string',
  );
  const read = own.map(({ place }) => files[place.join('.')]).map(({ path, digest }) => [path, digest]);
  return {
    definition,
    ingredients,
    key: cacheKey(ingredients),
    jobWith: camelKeys(jobWith),
    parts,
    read: Object.fromEntries(read) as Record<string, string>,
    derived: inputs.flatMap(({ value }) => (isFileRef(value) ? [value.path] : [])),
  };
}

/**
 * See {@link Registry.codeOf}. Models are determined only if one may be external, because for a checkpoint
 * this means reading it.
 */
async function externalCode(
  { registry }: StepEngine,
  definition: ActivityDefinition,
  parameters: JsonObject,
  inputs: Readonly<Record<string, InputFile>>,
  work: string,
): Promise<Record<string, string>> {
  const models = registry.bringsModels ? await definition.modelsUsed?.(parameters, inputs, work) : [];
  return registry.codeOf(definition, models ?? []);
}

/**
 * Describes the first input whose content has changed since the step was prepared; undefined if none has.
 * Unchanged files are recognized by their stamps, so they are not read again.
 * @throws SamMilError InvalidInput for a missing input, OutputDamaged for a changed or deleted output of an
 * earlier step
 */
export async function changedInput(
  engine: StepEngine,
  { definition, ingredients }: PreparedStep,
  step: StepToPrepare,
): Promise<string | undefined> {
  const found = await digestWhatIsRead(engine, definition, resolveWith(definition, step.with), step, 'read');
  return found && firstDifference(ingredients, { ...ingredients, inputs: found.digests });
}

interface DigestedInputs {
  /** Both by place in `with`: `slide`, `tables.0`. */
  digests: Record<string, InputIngredient>;
  files: Record<string, InputFile>;
}

interface DigestedParts extends DigestedInputs {
  parts: ReadParts;
}

/** Digests the inputs of a step, of some only the part that the step reads. */
async function digestWhatIsRead(
  engine: StepEngine,
  definition: ActivityDefinition,
  resolved: ResolvedWith,
  step: StepToPrepare,
  how: 'read' | 'known',
): Promise<DigestedParts | undefined> {
  const found = await digestInputs(resolved.inputs, step, engine.digests(step.work), how);
  if (!found) return undefined;
  const parts = await readParts(definition, resolved, found.files, step);
  const digests = { ...found.digests };
  for (const [place, part] of Object.entries(parts)) {
    if (part.absent) delete digests[place];
    else digests[place] = { ...digests[place], digest: digestOfPart(part), parts: part.covers };
  }
  return { ...found, digests, parts };
}

async function digestInputs(
  inputs: readonly GivenInput[],
  step: StepToPrepare,
  cache: DigestCache,
  how: 'read' | 'known',
): Promise<DigestedInputs | undefined> {
  const digests: DigestedInputs['digests'] = {};
  const files: DigestedInputs['files'] = {};
  for (const input of inputs) {
    const found = await digestInput(input, step, cache, how);
    if (!found) return undefined;
    const place = input.place.join('.');
    if (input.inKey) digests[place] = { digest: found.digest, name: found.keyName };
    files[place] = { path: found.path, digest: found.digest, name: found.name };
  }
  return { digests, files };
}

interface FoundInput extends InputFile {
  /** Name in the key, with the extension, which decides how a file is read. */
  keyName: string;
}

async function digestInput(
  input: GivenInput,
  step: StepToPrepare,
  cache: DigestCache,
  how: 'read' | 'known',
): Promise<FoundInput | undefined> {
  const place = input.place.join('.');
  if (input.kind === 'items' && isFileRef(input.value)) {
    const file = await referencedFile(input.value, step.work, cache, how);
    return { ...file, keyName: '' };
  }
  if (input.kind === 'items') return itemsInput(place, input.value, step.work);
  if (isFileRef(input.value)) return referencedFile(input.value, step.work, cache, how);
  if (typeof input.value !== 'string' || input.value === '') throw notAFile(place, input.value);
  const path = isAbsolute(input.value) ? input.value : join(step.base, input.value);
  const digest = await digestOfInput(cache, path, how, companionFiles);
  return digest === undefined ? undefined : named(path, digest);
}

async function referencedFile(
  ref: FileRef,
  work: string,
  cache: DigestCache,
  how: 'read' | 'known',
): Promise<FoundInput> {
  const path = await resolveInside(work, ref.path);
  if (how === 'read') {
    const fault = await contentFault(cache, path, ref.digest);
    if (fault !== undefined) throw damagedOutput(ref.path, fault, { expected: ref.digest });
  }
  return named(path, ref.digest);
}

async function itemsInput(place: string, value: Json, work: string): Promise<FoundInput> {
  if (!isItemsRef(value)) throw notItems(place, value);
  const path = await resolveInside(work, value.items.path);
  return { path, digest: await digestOfItems(work, value), name: parse(path).name, keyName: '' };
}

function named(path: string, digest: string): FoundInput {
  return { path, digest, name: parse(path).name, keyName: basename(path) };
}

function put(target: JsonObject, place: (string | number)[], value: Json): void {
  let holder = target as Record<string | number, Json>;
  for (const key of place.slice(0, -1)) holder = holder[key] as Record<string | number, Json>;
  holder[place[place.length - 1]] = value;
}

/** Converts `patch-size` to `patchSize`, at the top level only: below it are the user's own names. */
function camelKeys(parameters: JsonObject): JsonObject {
  const entries = Object.entries(parameters).map(([name, value]) => [camelCase(name), value] as const);
  return Object.fromEntries(entries);
}

function notAFile(place: string, value: Json): SamMilError {
  return new SamMilError('InvalidInput', `\`${place}\` is not a file`, {
    expected: 'a path, or the output of an earlier step such as ${{ steps.patch.outputs.patches }}',
    found: JSON.stringify(value),
  });
}

function notItems(place: string, value: Json): SamMilError {
  return new SamMilError('InvalidInput', `\`${place}\` is not a list of items`, {
    expected:
      '${{ needs.STAGE.items }}, or an output that lists items such as ${{ needs.import.outputs.bags }}',
    found: JSON.stringify(value).slice(0, 200),
  });
}
