import { basename, join } from 'node:path';
import { SamMilError } from '../../../errors.js';
import { writeAtomic } from '../../../files/atomic.js';
import { tensorLayout } from '../../../files/torch/torch-layout.js';
import { networkTensors } from '../../../machine/onnx/network-tensors.js';
import {
  type Architecture,
  ARCHITECTURES,
  type ArchitectureName,
  type NetworkOptions,
} from './architectures.js';
import type { EncoderInfo, EncoderOptions, OpenEncoder } from './encoder.js';
import { openOnnxEncoder } from './onnx-encoder.js';

export interface Checkpoint extends NetworkOptions {
  architecture: ArchitectureName;
  /** Absolute path of the .pth, .pt, .bin or .safetensors file, or of the index of a sharded checkpoint. */
  path: string;
  /** What precedes the names of the network's tensors, if the checkpoint has several networks. */
  prefix?: string;
  /** Tensors to leave out, by name; `name.*` stands for all below `name`. */
  ignore?: readonly string[];
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
  const file = {
    path: checkpoint.path,
    model: buildModel(info, checkpoint, size),
    input: 'image',
    output: 'features',
  };
  return openOnnxEncoder(info, file, { ...options, size });
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

/** Returns the sizes that the tensors of a checkpoint determine. */
export function checkpointSizes(checkpoint: Checkpoint): { dim: number; size?: number } {
  const { architecture, path, prefix } = checkpoint;
  const network: Architecture = ARCHITECTURES[architecture];
  return network.sizes(networkTensors(tensorLayout(path), network, prefix));
}

function buildModel(
  info: EncoderInfo,
  { architecture, path, prefix, headWidth, activation }: Checkpoint,
  size: number,
): Uint8Array {
  const network: Architecture = ARCHITECTURES[architecture];
  const tensors = networkTensors(tensorLayout(path), network, prefix);
  const { dim, size: only = size } = network.sizes(tensors);
  if (size !== only) {
    throw new SamMilError('InvalidInput', `encoder ${info.name} accepts only one patch size`, {
      file: path,
      expected: `${only} pixels per side`,
      found: `${size}`,
      next: 'remove `target-size`; patches of any size are resized automatically',
    });
  }
  if (dim !== info.dim) {
    throw new SamMilError('UnsupportedFormat', `the weights do not belong to ${info.name}`, {
      file: path,
      expected: `${info.dim} features`,
      found: `${dim}`,
    });
  }
  const model = network.build(tensors, { size, headWidth, activation });
  tensors.refuseUnread(network);
  return model;
}
