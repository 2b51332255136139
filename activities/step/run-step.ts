import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { SamMilError } from '../../domain/errors.js';
import type { Job, JobResult } from '../../domain/job.js';
import { memberOutputs, type MemberOutputs, type ValueSchema } from '../../domain/activity-schema.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import { makeFoldersBelow } from '../../domain/files/make-folders.js';
import { claimPlace, explainLoss, releaseClaim, type Claim } from '../../domain/engine/store/fence.js';
import { checkpointFolder, type Place } from '../../domain/engine/store/paths.js';
import { publish, relink } from '../../domain/engine/store/publish.js';
import { findReceipt, readReceipt, receiptsOf } from '../../domain/engine/store/receipts.js';
import type { Receipt } from '../../domain/engine/store/receipt-record.js';
import type { StepInput } from '../../domain/engine/item/step-input.js';
import type { GpuSlots } from '../../domain/machine/gpu/gpu-slots.js';
import type { Gpu } from '../../domain/machine/gpu/gpu.js';
import { camelCase } from '../../domain/parameters.js';
import { durationMs } from '../../domain/engine/language/plan/duration.js';
import type { StallLimit } from '../child/child.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import type { EngineContext } from './engine-context.js';
import { explainDamage, explainMissing } from './damaged-input.js';
import { changedInput, prepareStep, type PreparedStep } from './prepare-step.js';
import { placeParts } from './read-parts.js';
import type { Attempt } from './attempt.js';
import { StepNotes } from './step-notes.js';
import { resolveWith } from './resolve-with.js';
import { mayUse, outsideFault, receiptFault } from './valid-receipt.js';

export interface StepOutcome {
  receipt: Receipt;
  how: 'done' | 'cached' | 'linked';
}

/**
 * Runs a step to its receipt: returns a valid one, or links outputs that another place made from the same
 * ingredients, or does the work and publishes it. Independent of Temporal.
 * @throws SamMilError as the implementation does; also Superseded, TakenOver, WorkFolderLost,
 * WorkFolderReplaced, DiskFull, ChildCrashed, OutputTooLarge, or Unavailable (an input changed); the signal's
 * reason when stopped
 */
export async function runStep(
  engine: EngineContext,
  definition: ActivityDefinition,
  input: StepInput,
  attempt: Attempt,
): Promise<StepOutcome> {
  const place = placeOf(input);
  const prepared = await prepareStep(engine, definition, input).catch(async (error: unknown) => {
    throw await explainMissing(input.work, error);
  });
  attempt.signal.throwIfAborted();
  await refuseMixedInputs(input, prepared);
  // Claimed first: an earlier attempt that still runs must not replace outputs that were just found valid.
  const claim = await claimPlace(input.work, input.lease, place);
  try {
    const valid = await validReceipt(engine, input, place, prepared);
    if (valid) return { receipt: valid, how: 'cached' };
    const linked = await linkedReceipt(engine, input, claim, prepared);
    if (linked) return { receipt: linked, how: 'linked' };
    const receipt = await work(engine, prepared, input, claim, attempt);
    return { receipt, how: 'done' };
  } catch (error) {
    throw await explainLoss(claim, error);
  } finally {
    await releaseClaim(claim).catch(() => undefined);
  }
}

export function placeOf({ stage, item, step }: StepInput): Place {
  return { stage, item, step };
}

async function validReceipt(
  engine: EngineContext,
  input: StepInput,
  place: Place,
  prepared: PreparedStep,
): Promise<Receipt | undefined> {
  const receipt = await readReceipt(input.work, place);
  if (!receipt || !mayUse(receipt, input)) return undefined;
  const fault = await receiptFault(engine, input, receipt, prepared);
  return fault === undefined ? receipt : undefined;
}

async function linkedReceipt(
  engine: EngineContext,
  input: StepInput,
  claim: Claim,
  { key, definition }: PreparedStep,
): Promise<Receipt | undefined> {
  const cache = engine.digests(input.work);
  const original = await findReceipt(input.work, key, (path) => cache.digest(path));
  if (!original || !mayUse(original, input) || sharesFolder(original) !== sharesFolder(input))
    return undefined;
  if (await outsideFault(definition, input.work, original, cache)) return undefined;
  return relink(claim, original, input.folder, input.run);
}

async function work(
  engine: EngineContext,
  prepared: PreparedStep,
  input: StepInput,
  claim: Claim,
  attempt: Attempt,
): Promise<Receipt> {
  const checkpoint = checkpointFolder(input.work, prepared.key);
  const { scratch } = claim;
  await makeFoldersBelow(input.work, checkpoint);
  const began = performance.now();
  const notes = new StepNotes();
  const listening = notes.listenTo(attempt);
  const result = await execute(engine, prepared, { input, scratch, checkpoint, attempt: listening }).catch(
    async (error: unknown) => {
      if (attempt.signal.aborted) throw error;
      const { inputs } = resolveWith(prepared.definition, input.with);
      const read = { inputs, parts: prepared.parts };
      throw await explainDamage(engine, read, input, explainLostCheckpoint(checkpoint, error));
    },
  );
  attempt.signal.throwIfAborted();
  refuseUndeclared(prepared, result);
  await refuseChangedInputs(engine, prepared, input, checkpoint);
  const receipt = await publish(claim, {
    ingredients: prepared.ingredients,
    folder: input.folder,
    result: withItemFolder(prepared.definition, input, result),
    read: prepared.read,
    made: { run: input.run, attempt: attempt.number, seconds: seconds(began), ...notes.made },
  });
  engine.digests(input.work).rememberOutputs(receipt.files);
  await rm(checkpoint, { recursive: true, force: true }).catch(() => undefined);
  return receipt;
}

/**
 * Whoever finishes work of this key removes the checkpoint: another stage or run that made the same thing at
 * the same time. A failure caused by that is not a fault of the input; the next attempt finds the receipt.
 */
function explainLostCheckpoint(checkpoint: string, error: unknown): unknown {
  if (existsSync(checkpoint)) return error;
  return new SamMilError('Superseded', 'the same work was finished by another step in the meantime', {
    file: checkpoint,
    cause: error,
  });
}

interface Execution {
  input: StepInput;
  scratch: string;
  checkpoint: string;
  attempt: Attempt;
}

async function execute(
  engine: EngineContext,
  prepared: PreparedStep,
  execution: Execution,
): Promise<JobResult> {
  const { definition } = prepared;
  const { input, scratch, checkpoint, attempt } = execution;
  const job = {
    with: placeParts(prepared.jobWith, prepared.parts, scratch),
    work: input.work,
    run: input.run,
    name: input.item,
    hidden: prepared.ingredients.hidden,
    scratch,
    checkpoint,
  };
  if (definition.isolation !== 'inline') {
    const childJob = { ...job, activity: definition.name };
    const stall = stallLimit(input.stall ?? definition.stall);
    const once = definition.isolation === 'own-child';
    const programs = definition.runsPrograms;
    const gpus = (await computesOnGpu(definition, prepared.jobWith, attempt)) ? attempt.gpus : undefined;
    return onGpu(attempt, gpus, (listening, gpu) =>
      engine.pool.run(runtimeOf(definition), childJob, listening, attempt.signal, {
        stall,
        once,
        gpu,
        programs,
      }),
    );
  }
  const { run } = await definition.load();
  const inline: Job = {
    ...job,
    signal: attempt.signal,
    progress: (report) => attempt.onProgress(report),
    log: (level, message, facts) => attempt.onLog(level, message, facts),
  };
  return run(inline);
}

/**
 * Every step of the gpu queue gets a GPU. On other queues, only one that would use a GPU if it saw one, so
 * that no step computes on a GPU that is assigned to another.
 */
async function computesOnGpu(
  definition: ActivityDefinition,
  parameters: JsonObject,
  { gpus, gpuQueue }: Attempt,
): Promise<boolean> {
  if (gpus === undefined) return false;
  if (gpuQueue === true || definition.queue === 'gpu') return true;
  return (await definition.usesGpu?.(parameters)) ?? false;
}

/** Runs the work on a GPU, if the worker assigns it one, and returns the GPU however the work ends. */
async function onGpu<T>(
  attempt: Attempt,
  gpus: GpuSlots | undefined,
  work: (attempt: Attempt, gpu?: Gpu) => Promise<T>,
): Promise<T> {
  if (gpus === undefined) return work(attempt);
  const began = performance.now();
  const slot = await gpus.take(attempt.signal);
  attempt.onGpu?.(slot.gpu, seconds(began));
  const onProcess = (pid: number | undefined) => {
    slot.watch.pid = pid;
  };
  try {
    return await work({ ...attempt, onProcess }, slot.gpu);
  } finally {
    attempt.onGpuUse?.(slot.watch.use);
    slot.release();
  }
}

function stallLimit(text = 'off'): StallLimit | undefined {
  const milliseconds = durationMs(text);
  return milliseconds === undefined ? undefined : { milliseconds, text };
}

/** Activities of a plugin share libraries, and therefore children, unless the definition says otherwise. */
function runtimeOf(definition: ActivityDefinition): string {
  return definition.runtime ?? definition.name.split('.')[0];
}

/**
 * The key covers the inputs as they were before the work. If an input was replaced since then, the receipt
 * would attest content that was not, or not completely, read; and no later attempt may resume from such a
 * checkpoint.
 */
async function refuseChangedInputs(
  engine: EngineContext,
  prepared: PreparedStep,
  input: StepInput,
  checkpoint: string,
): Promise<void> {
  const found = await changedInput(engine, prepared, input);
  if (found === undefined) return;
  await rm(checkpoint, { recursive: true, force: true });
  throw new SamMilError('Unavailable', 'an input changed while the step was reading it', {
    found,
    next: 'wait until the file is completely written; the step retries with its new content',
  });
}

/**
 * A slide replaced between two steps of its item would give features of one slide at the patch positions of
 * another: what the step gets from an earlier one must have been made from the same files that it reads
 * itself.
 */
async function refuseMixedInputs({ work, item }: StepInput, { read, derived }: PreparedStep): Promise<void> {
  for (const path of derived) {
    const place = { stage: path.split('/')[0], item };
    for (const { step, receipt } of await receiptsOf(work, place)) {
      const { read: before, files } = receipt;
      if (before === undefined || !Object.hasOwn(files, path)) continue;
      const other = Object.keys(read).find(
        (file) => Object.hasOwn(before, file) && before[file] !== read[file],
      );
      if (other === undefined) continue;
      throw new SamMilError('InvalidInput', `the file was replaced after \`${step}\` read it`, {
        file: other,
        expected: `${before[other]}, which ${path} was made from`,
        found: read[other],
        next: 'resume the run once the file is complete: the step runs again with the new content',
      });
    }
  }
}

/** Whether other items of the stage may publish into the same folder: cells of a matrix have their own. */
function sharesFolder({ folder }: Pick<StepInput, 'folder'>): boolean {
  return !folder.includes('/');
}

/** Files whose names the pipeline chooses are the same for all items, so each item gets a subfolder. */
function withItemFolder(
  { outputsFrom }: ActivityDefinition,
  input: Pick<StepInput, 'folder' | 'item' | 'single'>,
  result: JobResult,
): JobResult {
  if (outputsFrom === undefined || input.single || !sharesFolder(input)) return result;
  const files = Object.entries(result.files).map(([name, { from, to }]) => {
    return [name, { from, to: `${input.item}/${to}` }] as const;
  });
  return { ...result, files: Object.fromEntries(files) };
}

function refuseUndeclared({ definition, jobWith }: PreparedStep, result: JobResult): void {
  const names = [...Object.keys(result.files), ...Object.keys(result.values ?? {})];
  const declared = jobWith[camelCase(definition.outputsFrom ?? '')] ?? {};
  const perMember = definition.outputsPer && outputsOfMembers(definition.outputsPer, jobWith);
  const known = { ...definition.outputs, ...(declared as JsonObject), ...perMember };
  const undeclared = names.find((name) => !Object.hasOwn(known, name));
  if (undeclared === undefined) return;
  throw new SamMilError('ContractBroken', `${definition.name} returned an output it does not declare`, {
    expected: Object.keys(known).join(', '),
    found: undeclared,
  });
}

/** Members of the list are names or input files. */
function outputsOfMembers(per: MemberOutputs, jobWith: JsonObject): Record<string, ValueSchema> {
  const members = jobWith[camelCase(per.parameter)];
  const names = (Array.isArray(members) ? members : []).map((member) =>
    isJsonObject(member) ? (member.path as string) : (member as string),
  );
  return memberOutputs(per, names);
}

function seconds(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}
