import { ensureEncoderWeights } from '../../domain/machine/weights/encoder-weights.js';
import type { SetUpLog } from '../../domain/machine/cache-folder.js';
import { findOpenSlideLibrary } from '../../domain/machine/fetch-openslide.js';
import { ensureOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { ensureOnnxGpu } from '../../domain/machine/onnx-gpu.js';
import { ensureTemporalServer } from '../server/temporal-server.js';
import { ensureTensorFlow } from '../../domain/machine/tensorflow.js';
import type { Json } from '../../domain/json.js';
import type { Plan, StepPlan } from '../../domain/engine/language/plan/plan.js';

/** A binary part that is fetched or built outside npm. */
export type NativePart = 'server' | 'tensorflow' | 'openslide' | 'onnx' | 'weights';

const LITE0 = 'efficientnet-lite0';

export const ALL_PARTS: readonly NativePart[] = ['server', 'tensorflow', 'openslide', 'onnx', 'weights'];

const ENSURE: Record<NativePart, (log: SetUpLog) => Promise<unknown>> = {
  server: (log) => ensureTemporalServer(log),
  tensorflow: (log) => ensureTensorFlow({ log }),
  openslide: findOpenSlideLibrary,
  onnx: ensureOnnx,
  weights: ensureEncoderWeights,
};

/**
 * Parts that a run may do without: the encoder falls back to stain-texture, a GPU to the CPU, each with a separate warning. A step that
 * computes with ONNX Runtime asks for it once more.
 */
const OPTIONAL: ReadonlySet<NativePart> = new Set(['weights', 'onnx']);

async function ensureOnnx(log: SetUpLog): Promise<void> {
  await ensureOnnxRuntime(log);
  await ensureOnnxGpu(log);
}

/**
 * Brings the parts, all at once since they are independent; each says what it does and costs. What is there already costs nothing. Waits for
 * all of them, then throws the first error, so that a failure leaves no half-done work of another part behind.
 */
export async function setUpNatives(parts: readonly NativePart[], log: SetUpLog): Promise<void> {
  const outcomes = await Promise.allSettled(parts.map((part) => ENSURE[part](log)));
  const failures = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const reason = outcome.reason as Error;
    log(`${parts[index]}: ${reason.message}`);
    return OPTIONAL.has(parts[index]) ? [] : [reason];
  });
  if (failures.length > 0) throw failures[0];
}

/** What the activities of a plan need, so that a run without training does not fetch a gigabyte of TensorFlow. */
export function partsOf(plan: Plan): NativePart[] {
  const uses = plan.stages.flatMap((stage) => stage.steps.map((step) => step.uses));
  const parts: NativePart[] = [];
  if (uses.some((name) => /^mil\.(train|evaluate|heatmap)/.test(name))) parts.push('tensorflow');
  if (uses.some((name) => name.startsWith('pathology.'))) parts.push('openslide');
  if (uses.includes('pathology.extract') || uses.includes('pathology.segment')) parts.push('onnx');
  if (plan.stages.some(({ steps }) => steps.some(mayUseLite0))) parts.push('weights');
  return parts;
}

/** Other encoders' weights are not fetched by themselves. What only the run computes may be its name. */
function mayUseLite0({ uses, with: { encoder, fallback } }: StepPlan): boolean {
  const may = (name: Json | undefined) =>
    typeof name === 'string' && (name === LITE0 || name.includes('${{'));
  return uses === 'pathology.extract' && (may(encoder) || may(fallback));
}
