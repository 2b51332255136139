import { SamMilError } from '../../errors.js';
import { readSafetensors, writeSafetensors } from '../../files/safetensors.js';
import { toFloat32, type Tensor } from '../../files/tensor.js';
import { readPt, writePt, type PtFile } from '../../files/torch/torch-pt.js';
import { firstNotFinite } from '../../files/finite.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { canonicalJson, type Json, type JsonObject } from '../../json.js';
import { CHECKPOINT_NOTES } from './checkpoint-schema.js';
import type { Checkpoint } from './model.js';
import { elementCount, type HostWeights, type ParameterSpec } from '../compute/parameters.js';
import type { Standardization } from '../bags/standardize.js';
import { classesOf, outputsOf } from '../targets/target.js';
import { publishedCheckpoint } from './torch-checkpoint.js';

/** Version of the checkpoint's structure. */
const VERSION = '2';

/** The format that a checkpoint file states. */
const FORMAT = 'sam-mil checkpoint';

/**
 * Writes a checkpoint: the weights by name in PyTorch's layout, everything else as JSON in the notes. Equal
 * checkpoints give equal bytes. If the path ends in .pt, the file is for
 * `torch.load(path, weights_only=True)`, which returns a dict of the notes and, under `model`, the weights.
 * Otherwise it is safetensors.
 */
export function writeCheckpoint(path: string, checkpoint: Checkpoint, specs: readonly ParameterSpec[]): void {
  const { config, target, groupFeatures, weights, standardization, training } = checkpoint;
  const tensors = { ...toTensors(weights, specs), ...standardizationTensors(standardization) };
  const notes = {
    format: FORMAT,
    version: VERSION,
    config: canonicalJson(config),
    target: canonicalJson(target),
    'group-features': String(groupFeatures),
    training: canonicalJson(training),
  };
  if (path.endsWith('.pt')) writePt(path, { model: tensors, notes });
  else writeSafetensors(path, tensors, notes);
}

/**
 * Reads a checkpoint of sam-mil in either format, or a .pt of the published MHIM-MIL and SAM-MIL code.
 *
 * @throws SamMilError InvalidInput where the file is none of these, UnsupportedFormat for a .pt of an unknown
 *   model
 */
export function readCheckpoint(path: string): Checkpoint {
  if (!path.endsWith('.pt')) {
    const { tensors, metadata } = readSafetensors(path);
    return parseCheckpoint(path, tensors, metadata);
  }
  const file = readPt(path);
  const notes = readNotes(file);
  if (notes.format === undefined) return publishedCheckpoint(path, file.tensors);
  const own = Object.entries(file.tensors).map(([name, tensor]) => [name.replace(/^model\./, ''), tensor]);
  return parseCheckpoint(path, Object.fromEntries(own) as Record<string, Tensor>, notes);
}

/** The strings in a .pt file's dict. */
function readNotes({ value }: PtFile): Record<string, string> {
  const entries = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function parseCheckpoint(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  notes: Readonly<Record<string, string>>,
): Checkpoint {
  if (notes.format !== FORMAT || notes.version !== VERSION) {
    throw new SamMilError('InvalidInput', 'not a checkpoint that this version can read', {
      file: path,
      expected: `notes "format: ${FORMAT}" and "version: ${VERSION}"`,
      found: notes.format ? `${notes.format}, version ${notes.version}` : 'tensors without these notes',
    });
  }
  const {
    [MEAN]: mean,
    [DEVIATION]: deviation,
    ...weights
  } = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toFloat32(tensor)]));
  const { config, target, training } = parseNotes(path, notes);
  const classes = classesOf(target);
  if (new Set(classes).size !== classes.length) {
    throw damaged(path, 'different class names', classes.join(', '));
  }
  if (outputsOf(target) !== config.outputs || target.endpoint !== config.endpoint) {
    throw damaged(
      path,
      `a target of ${config.outputs} outputs for ${config.endpoint}`,
      canonicalJson(target),
    );
  }
  checkWeights(path, tensors);
  const standardization = (mean ?? deviation) ? { mean, deviation } : undefined;
  if (standardization && !isStandardization(standardization, config.dim)) {
    throw damaged(path, `${MEAN} and ${DEVIATION} of ${config.dim} numbers, above 0 for the second`);
  }
  return {
    config,
    target,
    groupFeatures: notes['group-features'] === 'true',
    weights,
    shapes: Object.fromEntries(Object.keys(weights).map((name) => [name, tensors[name].shape])),
    ...(standardization && { standardization }),
    training,
  };
}

/** The notes that are JSON. */
function parseNotes(
  path: string,
  notes: Readonly<Record<string, string>>,
): Pick<Checkpoint, 'config' | 'target' | 'training'> {
  const parsed: JsonObject = { ...notes };
  for (const name of ['config', 'target', 'training']) {
    try {
      parsed[name] = JSON.parse(notes[name]) as Json;
    } catch {
      throw damaged(path, `JSON in the note "${name}"`, notes[name]?.slice(0, 100) ?? 'none');
    }
  }
  requireSchema(CHECKPOINT_NOTES, parsed, { file: path, what: DAMAGED, next: AGAIN });
  return parsed as unknown as Pick<Checkpoint, 'config' | 'target' | 'training'>;
}

function checkWeights(path: string, tensors: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    const values = toFloat32(tensor);
    const bad = firstNotFinite(values);
    if (bad < 0) continue;
    throw new SamMilError('InvalidInput', `weight "${name}" has values that are not finite`, {
      file: path,
      found: `${values[bad]} at index ${bad}`,
      next: 'check the training history for a loss that is not finite, or copy the file again',
    });
  }
}

function isStandardization({ mean, deviation }: Partial<Standardization>, dim: number): boolean {
  return mean?.length === dim && deviation?.length === dim && deviation.every((value) => value > 0);
}

const DAMAGED = 'is a damaged checkpoint';
const AGAIN = 'copy the file again, or train again';

function damaged(file: string, expected: string, found?: string): SamMilError {
  return new SamMilError('InvalidInput', DAMAGED, { file, expected, found, next: AGAIN });
}

/**
 * Selects a checkpoint's weights for a model with these parameters, regardless of the model that wrote it.
 *
 * @throws SamMilError InvalidInput where they do not fit or the checkpoint has additional weights, which
 *   would be dropped silently
 */
export function weightsFor(
  checkpoint: Checkpoint,
  specs: readonly ParameterSpec[],
  file: string,
): HostWeights {
  const { shapes } = checkpoint;
  const tensors: Record<string, StoredWeight> = {};
  for (const [name, data] of Object.entries(checkpoint.weights)) {
    tensors[name] = { dtype: 'float32', data, shape: shapes?.[name] };
  }
  const weights = readWeights(tensors, specs, file);
  const more = Object.keys(tensors).filter((name) => !Object.hasOwn(weights, name));
  if (more.length === 0) return weights;
  throw new SamMilError('InvalidInput', 'the checkpoint has weights that the model does not have', {
    file,
    expected: `only the ${specs.length} weights of the model`,
    found: `${more.slice(0, 6).join(', ')}, of ${checkpoint.config.model} ${JSON.stringify(checkpoint.config.options)}`,
  });
}

/** Names that no parameter of a model has. */
const MEAN = 'input.mean';
const DEVIATION = 'input.deviation';

function standardizationTensors(standardization: Standardization | undefined): Record<string, Tensor> {
  if (standardization === undefined) return {};
  const { mean, deviation } = standardization;
  const tensor = (data: Float32Array): Tensor => ({ dtype: 'float32', shape: [data.length], data });
  return { [MEAN]: tensor(mean), [DEVIATION]: tensor(deviation) };
}

export function toTensors(
  weights: HostWeights,
  specs: readonly ParameterSpec[],
  prefix = '',
): Record<string, Tensor> {
  return Object.fromEntries(
    specs.map(({ name, shape }) => [
      `${prefix}${name}`,
      { dtype: 'float32' as const, shape, data: weights[name] },
    ]),
  );
}

interface StoredWeight extends Pick<Tensor, 'dtype' | 'data'> {
  shape?: readonly number[];
}

/**
 * The weights of `specs` from tensors.
 * @throws SamMilError InvalidInput naming the first that is missing or has a different shape
 */
export function readWeights(
  tensors: Readonly<Record<string, StoredWeight>>,
  specs: readonly ParameterSpec[],
  file: string,
  prefix = '',
): HostWeights {
  return Object.fromEntries(
    specs.map(({ name, shape }) => {
      const tensor = tensors[`${prefix}${name}`];
      const found = tensor?.shape ?? shape;
      const fits = found.length === shape.length && found.every((size, axis) => size === shape[axis]);
      if (fits && tensor?.data.length === elementCount(shape)) return [name, toFloat32(tensor)];
      throw new SamMilError('InvalidInput', `weight "${prefix}${name}" does not fit the model`, {
        file,
        expected: shape.join(' x '),
        found: tensor === undefined ? 'none' : fits ? `${tensor.data.length} numbers` : found.join(' x '),
      });
    }),
  );
}
