import { SamMilError } from '../../errors.js';
import { toFloat32, type Tensor } from '../../files/tensor.js';
import type { Checkpoint } from './model.js';
import type { HostWeights } from '../compute/parameters.js';

/**
 * Maps parameter names of the published MHIM-MIL and SAM-MIL code with the `attn` baseline to those of
 * sam-mil.
 */
const NAMES: Readonly<Record<string, string>> = {
  'patch_to_emb.0.weight': 'embed.w',
  'patch_to_emb.0.bias': 'embed.b',
  'online_encoder.attention.attention.0.weight': 'att.V.w',
  'online_encoder.attention.attention.2.weight': 'att.w.w',
  'predictor.weight': 'cls.w',
  'predictor.bias': 'cls.b',
};

/**
 * Converts a checkpoint of the published MHIM-MIL or SAM-MIL code with the `attn` baseline (`torch.save` of
 * the state, or of `{model, teacher}`, of which the student is used) to an AB-MIL with ReLU attention, to
 * which all of them are equivalent in evaluation. Sizes come from the shapes.
 *
 * @param all tensors of the file by their dotted path
 * @throws SamMilError UnsupportedFormat where the parameters belong to a different model
 */
export function publishedCheckpoint(path: string, all: Readonly<Record<string, Tensor>>): Checkpoint {
  const student = Object.keys(all).some((name) => name.startsWith('model.'));
  const tensors: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(all)) {
    if (!student) tensors[name] = tensor;
    else if (name.startsWith('model.')) tensors[name.slice('model.'.length)] = tensor;
  }
  const missing = Object.keys(NAMES).filter((name) => tensors[name] === undefined);
  const beside = student ? Object.keys(all).filter((name) => !/^(model|teacher)\./.test(name)) : [];
  const unknown = [...Object.keys(tensors).filter((name) => NAMES[name] === undefined), ...beside];
  if (missing.length > 0 || unknown.length > 0) {
    throw new SamMilError('UnsupportedFormat', 'this PyTorch checkpoint belongs to an unknown model', {
      file: path,
      expected: `the parameters ${Object.keys(NAMES).join(', ')}`,
      found: [...unknown, ...missing.map((name) => `no ${name}`)].slice(0, 6).join(', '),
    });
  }
  requireRanks(path, tensors);
  const weights: HostWeights = {};
  for (const [name, ours] of Object.entries(NAMES)) weights[ours] = toFloat32(tensors[name]);
  const [embedDim, dim] = tensors['patch_to_emb.0.weight'].shape;
  const [attentionDim] = tensors['online_encoder.attention.attention.0.weight'].shape;
  const [classes] = tensors['predictor.weight'].shape;
  return {
    config: {
      model: 'abmil',
      dim,
      outputs: classes,
      endpoint: 'classification',
      embedDim,
      attentionDim,
      dropout: 0.25,
      options: { scoring: 'relu' },
    },
    target: { endpoint: 'classification', classes: Array.from({ length: classes }, (_, i) => String(i)) },
    groupFeatures: true,
    weights,
    training: { source: 'torch checkpoint' },
  };
}

/** The sizes of the model come from the shapes of its matrices. */
function requireRanks(path: string, tensors: Readonly<Record<string, Tensor>>): void {
  for (const name of Object.keys(NAMES)) {
    const { shape } = tensors[name];
    const rank = name.endsWith('.bias') ? 1 : 2;
    if (shape.length === rank && shape.every((size) => size > 0)) continue;
    throw new SamMilError('InvalidInput', `the parameter ${name} has the wrong shape`, {
      file: path,
      expected: rank === 1 ? 'N' : 'N x M',
      found: shape.join(' x ') || 'a single number',
    });
  }
}
