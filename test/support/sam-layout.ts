import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type TensorLayout, tensorLayout } from '../../domain/files/torch/torch-layout.js';
import { fixture } from './fixtures.js';
import { RandomTensors } from './random-tensors.js';

/** Published image encoders: width, blocks, heads, and which blocks attend to the whole image. */
export const PUBLISHED_SAMS = {
  vit_h: { width: 1280, depth: 32, heads: 16, globalBlocks: [7, 15, 23, 31] },
  vit_l: { width: 1024, depth: 24, heads: 16, globalBlocks: [5, 11, 17, 23] },
  vit_b: { width: 768, depth: 12, heads: 12, globalBlocks: [2, 5, 8, 11] },
} as const;

export type PublishedSam = keyof typeof PUBLISHED_SAMS;

/** Names and shapes of a published checkpoint's tensors: the small model's names with the published sizes. */
export function publishedShapes(name: PublishedSam): Map<string, number[]> {
  const { width, depth, heads, globalBlocks } = PUBLISHED_SAMS[name];
  // The small model's sizes are all different where the published ones are.
  const sizes = new Map([
    [48, width],
    [144, 3 * width],
    [192, 4 * width],
    [64, 256],
    [32, 128],
    [16, 64],
    [8, 32],
    [128, 2048],
  ]);
  const shapes = new Map<string, number[]>();
  const put = (tensor: string, shape: readonly number[]): void => {
    shapes.set(
      tensor,
      // Given masks are expanded to 16 channels in every model.
      shape.map((size) =>
        tensor.includes('mask_downscaling') && size === 16 ? size : (sizes.get(size) ?? size),
      ),
    );
  };
  for (const [tensor, { shape }] of tensorLayout(fixture('sam/sam_small.safetensors'))) {
    if (!tensor.startsWith('image_encoder.blocks.')) put(tensor, shape);
    if (!tensor.startsWith('image_encoder.blocks.0.')) continue;
    for (let block = 0; block < depth; block++) put(tensor.replace('.0.', `.${block}.`), shape);
  }
  shapes.set('image_encoder.pos_embed', [1, 64, 64, width]);
  shapes.set('image_encoder.patch_embed.proj.weight', [width, 3, 16, 16]);
  for (let block = 0; block < depth; block++) {
    const rows = (globalBlocks as readonly number[]).includes(block) ? 127 : 27;
    for (const axis of ['h', 'w']) {
      shapes.set(`image_encoder.blocks.${block}.attn.rel_pos_${axis}`, [rows, width / heads]);
    }
  }
  return shapes;
}

/** Where a published checkpoint's tensors would lie, in no file. */
export function publishedLayout(name: PublishedSam): Map<string, TensorLayout> {
  const layouts = new Map<string, TensorLayout>();
  for (const [tensor, shape] of publishedShapes(name)) {
    const strides = shape.map((_, axis) => product(shape.slice(axis + 1)));
    layouts.set(tensor, { file: `${name}.pth`, dtype: 'float32', shape, strides, offset: 0 });
  }
  return layouts;
}

/**
 * Writes a checkpoint of a published size whose weights are zero: a sparse file, so it uses little space on
 * most disks. The first number of each tensor differs, since ONNX Runtime keeps equal weights only once.
 */
export function writeHollowSam(path: string, name: PublishedSam): void {
  const header: Record<string, { dtype: 'F32'; shape: number[]; data_offsets: [number, number] }> = {};
  const starts: number[] = [];
  let end = 0;
  for (const [tensor, shape] of publishedShapes(name)) {
    const start = end;
    starts.push(start);
    end += 4 * product(shape);
    header[tensor] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const head = Buffer.alloc(8 + length, ' ');
  head.writeBigUInt64LE(BigInt(length));
  text.copy(head, 8);
  const file = openSync(path, 'w');
  try {
    writeSync(file, head);
    ftruncateSync(file, head.length + end);
    starts.forEach((start, index) => {
      writeSync(file, Buffer.from(Float32Array.of((index + 1) / 1000).buffer), 0, 4, head.length + start);
    });
  } finally {
    closeSync(file);
  }
}

/** Writes a checkpoint of a published size with random weights: the same bytes each time. */
export function writeRandomSam(path: string, name: PublishedSam): void {
  const tensors = new RandomTensors('random Segment Anything');
  for (const [tensor, shape] of publishedShapes(name)) {
    const isNorm = shape.length === 1 && tensor.endsWith('weight');
    if (isNorm) tensors.put(tensor, shape, 0.1, 1);
    else tensors.put(tensor, shape, shape.length === 1 ? 0.02 : Math.sqrt(1 / product(shape.slice(1))));
  }
  tensors.write(path);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
