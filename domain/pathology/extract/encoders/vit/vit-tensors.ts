import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import { ANY, ModelWeights } from '../../../../machine/onnx/model-weights.js';
import type { Perceptron, VitLayout } from './vit-layouts.js';

/** Everything about a vision transformer that its tensors determine. */
export interface VitShape {
  width: number;
  /** Side of a patch in pixels. */
  patch: number;
  registers: number;
  /** Name of the register tokens, if there are any. */
  registerName?: string;
  /** Prefixes of the names of the blocks, in order. */
  blocks: readonly string[];
  perceptron: Perceptron;
  /** Rows of the first matrix of a perceptron. */
  rows: number;
  /** Columns of its last matrix: half the rows if one matrix holds gate and factor. */
  hidden: number;
  gated: boolean;
  layerScale: boolean;
  attentionBias: boolean;
  /** Number of stored positions. */
  positions: number;
}

export function vitWeights(tensors: ReadonlyMap<string, TensorLayout>, layout: VitLayout): ModelWeights {
  return new ModelWeights(tensors, layout.title, layout.anchor);
}

/**
 * Reads the sizes of a vision transformer from its tensors.
 * @throws SamMilError UnsupportedFormat naming the tensor that is missing or has the wrong shape
 */
export function readVitShape(tensors: ReadonlyMap<string, TensorLayout>, layout: VitLayout): VitShape {
  const weights = vitWeights(tensors, layout);
  const { names, trunk } = layout;
  const [width, , patch] = squareKernel(weights, `${trunk}${names.patch}.weight`);
  const blocks = blockNames(weights, [...tensors.keys()], `${trunk}${names.blocks}.`);
  const someBlock = (name: string): boolean => blocks.some((block) => weights.has(block + name));
  const registerName = names.registers.map((name) => trunk + name).find((name) => weights.has(name));
  const registers = registerName === undefined ? 0 : weights.tensor(registerName, [1, ANY, width]).shape[1];
  const perceptron =
    names.perceptrons.find(({ into }) => into.every((name) => someBlock(`${name}.weight`))) ??
    names.perceptrons[0];
  return {
    width,
    patch,
    registers,
    registerName,
    blocks,
    perceptron,
    ...perceptronSizes(weights, blocks[0], perceptron, width),
    layerScale: someBlock(names.scale1) || someBlock(names.scale2),
    attentionBias: names.attention.some((name) => someBlock(`${name}.bias`)),
    positions: weights.tensor(trunk + names.positions, [1, ANY, width]).shape[1],
  };
}

function squareKernel(weights: ModelWeights, name: string): readonly number[] {
  const [width, channels, height] = weights.tensor(name, [ANY, 3, ANY, ANY]).shape;
  return weights.tensor(name, [width, channels, height, height]).shape;
}

/**
 * Lists the prefixes of the blocks. The training code of DINOv2 stores chunks (`blocks.1.7.`), in which the
 * second number counts over all blocks.
 */
function blockNames(weights: ModelWeights, names: readonly string[], start: string): string[] {
  const prefixes = new Map<number, string>();
  for (const name of names) {
    if (!name.startsWith(start)) continue;
    const [number, second] = name.slice(start.length).split('.');
    const chunked = /^\d+$/.test(second ?? '');
    prefixes.set(Number(chunked ? second : number), `${start}${number}.${chunked ? `${second}.` : ''}`);
  }
  const count = Math.max(1, ...[...prefixes.keys()].map((index) => index + 1));
  return Array.from({ length: count }, (_, index) => {
    const prefix = prefixes.get(index);
    if (prefix !== undefined) return prefix;
    throw weights.refusal(`has no tensors of block ${start}${index}.`, {
      expected: `${count} blocks without a gap`,
      found: `${prefixes.size} blocks`,
    });
  });
}

function perceptronSizes(
  weights: ModelWeights,
  block: string,
  { into, out }: Perceptron,
  width: number,
): Pick<VitShape, 'rows' | 'hidden' | 'gated'> {
  const [, hidden] = weights.tensor(`${block}${out}.weight`, [width, ANY]).shape;
  if (into.length === 2) return { rows: hidden, hidden, gated: true };
  const name = `${block}${into[0]}.weight`;
  // The wrong number of rows is reported as that of the plain perceptron.
  const found = weights.has(name) && weights.tensor(name, [ANY, ANY]).shape[0] === 2 * hidden;
  const rows = found ? 2 * hidden : hidden;
  weights.tensor(name, [rows, width]);
  return { rows, hidden, gated: found };
}
