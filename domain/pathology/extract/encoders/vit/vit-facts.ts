import { resolve, dirname } from 'node:path';
import { SamMilError } from '../../../../errors.js';
import { tensorLayout } from '../../../../files/torch/torch-layout.js';
import { type NetworkChoice, networkTensors } from '../../../../machine/onnx/network-tensors.js';
import type { ResizeFilter } from '../../../slides/resize.js';
import type { HubConfig, Triple } from './config-facts.js';
import { readHubConfig } from './hub-config.js';
import { possibleGrids, storedGrid } from './stored-grid.js';
import { refuseContradictions, statedActivation } from './vit-claims.js';
import { vitLayout } from './vit-layouts.js';
import type { VitOptions } from './vit-options.js';
import { readVitShape, type VitShape, vitWeights } from './vit-tensors.js';

/** What an encoder file states about a vision transformer. */
export interface VitFileKeys extends NetworkChoice, Partial<VitOptions>, Partial<VitImage> {
  /** Path of config.json, from the encoder file. */
  config?: string;
}

/** Preprocessing of the images. */
export interface VitImage {
  mean: Triple;
  std: Triple;
  resize?: ResizeFilter;
}

/** What the file of a vision transformer and its config.json state together. */
export interface VitStatement {
  options: VitOptions;
  image: VitImage;
}

/**
 * Completes an encoder file from the hub's config.json, which is checked against the tensors. What the
 * encoder file states comes first.
 *
 * @param path of the encoder file
 * @param weights absolute path of the checkpoint
 * @throws SamMilError InvalidInput if the two contradict each other, or neither states the number of heads or
 *   the normalization; UnsupportedFormat if the tensors are not those of a vision transformer
 */
export function readVitStatement(path: string, file: VitFileKeys, weights: string): VitStatement {
  const config = readHubConfig(weights, file.config && resolve(dirname(resolve(path)), file.config));
  const all = tensorLayout(weights);
  const layout = vitLayout(all.keys(), file.prefix);
  const tensors = networkTensors(all, layout, file);
  const shape = readVitShape(tensors, layout);
  // Where the number of positions is clear, the image size of the configuration is only checked.
  const ambiguous = possibleGrids(layout, shape).length > 1;
  const imageSize = file.imageSize ?? (ambiguous ? config?.imageSize : undefined);
  const grid = storedGrid(vitWeights(tensors, layout), layout, shape, imageSize);
  if (config) {
    refuseContradictions(config, {
      ...shape,
      depth: shape.blocks.length,
      imageSize: grid.side * shape.patch,
      classPosition: grid.before > 0,
      channels: 3,
    });
  }
  const options = {
    heads: file.heads ?? config?.heads ?? config?.headsOfName?.(shape.width) ?? missingHeads(path, shape),
    imageSize,
    epsilon: file.epsilon ?? config?.epsilon,
    activation: file.activation ?? (config && statedActivation(config, shape.gated)),
    output: file.output,
    positions: file.positions,
    poolerHeads: file.poolerHeads,
  };
  return { options, image: readImage(path, file, config) };
}

function readImage(path: string, file: VitFileKeys, config: HubConfig | undefined): VitImage {
  const mean = file.mean ?? config?.mean;
  const std = file.std ?? config?.std;
  if (mean !== undefined && std !== undefined) return { mean, std, resize: file.resize ?? config?.resize };
  throw new SamMilError('InvalidInput', 'the normalization of the images is not known', {
    file: path,
    expected: '`mean` and `std`, three numbers each',
    found: config ? `none in ${config.path}` : 'no config.json',
    next: "copy them from the model's page; published vision transformers differ in them",
  });
}

function missingHeads(path: string, { width }: VitShape): never {
  throw new SamMilError('InvalidInput', 'the number of attention heads is not known', {
    file: path,
    expected: `\`heads\`, a divisor of the width ${width}, or a config.json that states it`,
    found: 'neither',
    next: "set `heads` to the number on the model's page (most models: the width divided by 64)",
  });
}
