import { basename, join } from 'node:path';
import { SamMilError } from '../../../errors.js';
import { writeAtomic } from '../../../files/atomic.js';
import { tensorLayout } from '../../../files/torch/torch-layout.js';
import { type Architecture, ARCHITECTURES, type ArchitectureName } from './architectures.js';
import type { EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';
import { openOnnxEncoder } from './onnx-encoder.js';

export interface Checkpoint {
  architecture: ArchitectureName;
  /** Absolute path of the .pth, .pt, .bin or .safetensors file. */
  path: string;
  /** Channels of an attention head, where tensors don't tell. */
  headWidth?: number;
}

/**
 * Opens an encoder out of a published checkpoint, which stays as it is: the graph is built in memory and points into it. So a checkpoint may lie in a
 * folder that nobody can write to.
 *
 * @throws SamMilError `UnsupportedFormat` naming the tensor that does not fit the architecture, `InvalidInput` where features or patches have another
 * size than asked for
 */
export async function openCheckpointEncoder(
  info: EncoderInfo,
  checkpoint: Checkpoint,
  options: EncoderOptions,
): Promise<OpenEncoder> {
  const size = options.size ?? info.inputSize;
  const file = {
    path: checkpoint.path,
    model: modelOf(info, checkpoint, size),
    input: 'image',
    output: 'features',
  };
  return openOnnxEncoder(info, file, { ...options, size });
}

/**
 * Writes the ONNX model for patches of the encoder's own size beside the checkpoint that it points into, for other programs; ours need no such file.
 * Throws as {@link openCheckpointEncoder} where the checkpoint does not fit.
 */
export function writeCheckpointModel(info: EncoderInfo, checkpoint: Checkpoint, folder: string): string {
  const path = join(folder, `${basename(checkpoint.path)}.${info.inputSize}.onnx`);
  writeAtomic(path, modelOf(info, checkpoint, info.inputSize));
  return path;
}

/** Sizes that a checkpoint's tensors decide. */
export function checkpointSizes({ architecture, path }: Checkpoint): { dim: number; size?: number } {
  return (ARCHITECTURES[architecture] as Architecture).sizes(tensorLayout(path));
}

function modelOf(info: EncoderInfo, { architecture, path, headWidth }: Checkpoint, size: number): Uint8Array {
  const network: Architecture = ARCHITECTURES[architecture];
  const tensors = tensorLayout(path);
  const { dim, size: only = size } = network.sizes(tensors);
  if (size !== only) {
    throw new SamMilError('InvalidInput', `encoder ${info.name} sees patches of one size`, {
      file: path,
      expected: `${only} pixels a side`,
      found: `${size}`,
      next: 'leave `target-size` out: patches of any size are resized to it',
    });
  }
  if (dim !== info.dim) {
    throw new SamMilError('UnsupportedFormat', `these weights are not those of ${info.name}`, {
      file: path,
      expected: `${info.dim} features`,
      found: `${dim}`,
    });
  }
  return network.build(tensors, { size, headWidth });
}
