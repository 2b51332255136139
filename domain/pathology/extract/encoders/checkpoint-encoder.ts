import { basename, dirname, join } from 'node:path';
import { SamMilError } from '../../../errors.js';
import { writeAtomic } from '../../../files/atomic.js';
import { tensorLayout } from '../../../files/torch/torch-layout.js';
import {
  type NetworkChoice,
  type NetworkNames,
  type NetworkTensors,
  networkTensors,
} from '../../../machine/onnx/network-tensors.js';
import {
  type Architecture,
  ARCHITECTURES,
  type ArchitectureName,
  type NetworkOptions,
  type TensorSizes,
} from './architectures.js';
import type { EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';
import { modelInPrecision } from './model-in-precision.js';
import { openOnnxEncoder } from './onnx-encoder.js';

export interface Checkpoint extends NetworkOptions, NetworkChoice {
  architecture: ArchitectureName;
  /** Absolute path of the .pth, .pt, .bin or .safetensors file, or of the index of a sharded checkpoint. */
  path: string;
}

/**
 * Opens an encoder from a published checkpoint. The graph is built in memory and refers to the unmodified
 * checkpoint, so the checkpoint can be in a read-only folder.
 *
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit the architecture; InvalidInput if
 * features or patches do not have the requested size
 */
export async function openCheckpointEncoder(
  info: EncoderInfo,
  checkpoint: Checkpoint,
  options: EncoderOptions,
): Promise<OpenEncoder> {
  const size = options.size ?? info.inputSize;
  const model = buildModel(info, checkpoint, size);
  const file = modelInPrecision(info, { path: checkpoint.path, model }, options.precision);
  return openOnnxEncoder(info, { ...file, input: 'image', output: 'features' }, { ...options, size });
}

/**
 * Writes the ONNX model for the default patch size of the encoder next to the checkpoint, for use by other
 * programs; sam-mil does not need this file.
 * @throws SamMilError as {@link openCheckpointEncoder} if the checkpoint does not fit
 */
export function writeCheckpointModel(info: EncoderInfo, checkpoint: Checkpoint, folder: string): string {
  const path = join(folder, `${basename(checkpoint.path)}.${info.inputSize}.onnx`);
  writeAtomic(path, buildModel(info, checkpoint, info.inputSize));
  return path;
}

/**
 * Returns the sizes that the tensors of a checkpoint determine.
 * @throws SamMilError UnsupportedFormat naming the tensor that does not fit the architecture
 */
export function checkpointSizes(checkpoint: Checkpoint): TensorSizes {
  const { network, tensors } = openNetwork(checkpoint);
  return network.sizes(tensors, checkpoint);
}

function openNetwork(checkpoint: Checkpoint): {
  network: Architecture;
  names: NetworkNames;
  tensors: NetworkTensors;
} {
  const network: Architecture = ARCHITECTURES[checkpoint.architecture];
  const all = tensorLayout(checkpoint.path);
  const names = network.names(all, checkpoint);
  return { network, names, tensors: networkTensors(all, names, checkpoint) };
}

function buildModel(info: EncoderInfo, checkpoint: Checkpoint, size: number): Uint8Array {
  const { path } = checkpoint;
  const { network, names, tensors } = openNetwork(checkpoint);
  const sizes = network.sizes(tensors, checkpoint);
  checkSize(info, path, size, sizes);
  if (sizes.dim !== info.dim) {
    throw new SamMilError('UnsupportedFormat', `the weights do not belong to ${info.name}`, {
      file: path,
      expected: `${info.dim} features`,
      found: `${sizes.dim}`,
    });
  }
  const model = network.build(tensors, { ...checkpoint, size, folder: dirname(path) });
  tensors.refuseUnread(names);
  return model;
}

function checkSize(
  info: EncoderInfo,
  file: string,
  size: number,
  { size: only = size, multipleOf = 1 }: TensorSizes,
): void {
  const found = `${size}`;
  if (size !== only) {
    throw new SamMilError('InvalidInput', `encoder ${info.name} accepts only one patch size`, {
      file,
      expected: `${only} pixels per side`,
      found,
      next: 'remove `target-size`; patches of any size are resized automatically',
    });
  }
  if (size % multipleOf !== 0) {
    throw new SamMilError('InvalidInput', `encoder ${info.name} cannot divide patches of this size`, {
      file,
      expected: `a multiple of ${multipleOf} pixels per side`,
      found,
      next: 'correct `size` of the encoder, or `target-size`; patches of any size are resized automatically',
    });
  }
}
