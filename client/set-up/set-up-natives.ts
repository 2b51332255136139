import type { Registry } from '../../activities/define/registry.js';
import { listForms } from '../../domain/engine/language/check/schema-faults.js';
import type { Plan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import type { Json } from '../../domain/json.js';
import type { SetUpLog } from '../../domain/machine/cache-folder.js';
import { findOpenSlideLibrary } from '../../domain/machine/fetch-openslide.js';
import { NATIVE_PARTS, type NativePart } from '../../domain/machine/native-parts.js';
import { ensureOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { ensureOnnxGpu } from '../../domain/machine/onnx-gpu.js';
import { ensureTensorFlow } from '../../domain/machine/tensorflow.js';
import { ensureWeights } from '../../domain/machine/weights/fetch-weights.js';
import { AUTOMATIC_WEIGHTS } from '../../domain/machine/weights/manifest.js';
import { ensureTemporalServer } from '../server/temporal-server.js';

/** A part that is downloaded or built outside npm. */
export interface SetUpPart {
  readonly name: string;
  /**
   * Runs work without it: another encoder replaces missing weights, the CPU replaces a GPU, each with a
   * separate warning. A step that uses ONNX Runtime requests it again.
   */
  readonly optional?: true;
  readonly ensure: (log: SetUpLog) => Promise<unknown>;
}

export const SERVER: SetUpPart = { name: 'server', ensure: (log) => ensureTemporalServer(log) };

const NATIVES: Record<NativePart, SetUpPart> = {
  tensorflow: { name: 'tensorflow', ensure: (log) => ensureTensorFlow({ log }) },
  openslide: { name: 'openslide', ensure: findOpenSlideLibrary },
  onnx: { name: 'onnx', optional: true, ensure: ensureOnnx },
};

/** Everything that the steps of a plan may need. */
export const STEP_PARTS: readonly SetUpPart[] = [
  ...NATIVE_PARTS.map((part) => NATIVES[part]),
  ...AUTOMATIC_WEIGHTS.map(({ name }) => weightsPart(name)),
];

function weightsPart(name: string): SetUpPart {
  return { name: `weights of ${name}`, optional: true, ensure: (log) => ensureWeights(name, log) };
}

async function ensureOnnx(log: SetUpLog): Promise<void> {
  await ensureOnnxRuntime(log);
  await ensureOnnxGpu(log);
}

/**
 * Installs the parts concurrently; each logs what it does and costs. Installed parts take no time. Waits for
 * all parts and then throws the first error, so that a failure leaves no half-done work of another part
 * behind.
 */
export async function setUpNatives(parts: readonly SetUpPart[], log: SetUpLog): Promise<void> {
  const outcomes = await Promise.allSettled(parts.map(({ ensure }) => ensure(log)));
  const failures = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const reason = outcome.reason as Error;
    const { name, optional } = parts[index];
    log(`${name}: ${reason.message}`);
    return optional ? [] : [reason];
  });
  if (failures.length > 0) throw failures[0];
}

/**
 * Returns what the steps of a plan need, so that a run without training does not download a gigabyte of
 * TensorFlow.
 */
export function listRequiredParts(plan: Plan, registry: Registry): SetUpPart[] {
  const steps = plan.stages.flatMap((stage) => stage.steps);
  const required = new Set(steps.flatMap(({ uses }) => registry.get(uses)?.requires ?? []));
  const weights = AUTOMATIC_WEIGHTS.filter(({ name }) => steps.some((step) => mayName(step, name, registry)));
  return [
    ...NATIVE_PARTS.filter((part) => required.has(part)).map((part) => NATIVES[part]),
    ...weights.map(({ name }) => weightsPart(name)),
  ];
}

/** Whether a parameter that allows this name has it as its value, or gets its value during the run. */
function mayName({ uses, with: values }: StepPlan, name: string, registry: Registry): boolean {
  return Object.entries(registry.get(uses)?.with ?? {}).some(([key, schema]) => {
    const admits = listForms(schema).some((form) => form.enum?.includes(name));
    return admits && mayBe(values[key], name);
  });
}

function mayBe(value: Json | undefined, name: string): boolean {
  return typeof value === 'string' && (value === name || value.includes('${{'));
}
