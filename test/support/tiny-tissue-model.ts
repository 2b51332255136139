import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OnnxGraph } from '../../domain/machine/onnx/onnx-graph.js';

/** The sides of the square that a pixel of the tiny model depends on. */
export const TINY_WINDOW = 5;

/**
 * A small real tissue model: the mean colors around a pixel decide between glass, tissue (more red than
 * green) and ink (dark). Input [n, 3, h, w] of (value / 255 - 0.5) / 0.25, output [n, 3, h, w]. It generated
 * examples/own-tissue-model/tissue.onnx.
 */
export function tinyTissueModel(softmax = false): Uint8Array {
  const graph = new OnnxGraph('tissue');
  const image = graph.input('pixels', ['n', 3, 'h', 'w']);
  const [tissue, ink] = [10, -2.5];
  const colors = [0, 0, 0, tissue, -tissue, 0, ink, ink, ink];
  const area = TINY_WINDOW ** 2;
  const weights = colors.flatMap((weight) => Array<number>(area).fill(weight / area));
  const kernel = graph.constant(weights, [3, 3, TINY_WINDOW, TINY_WINDOW]);
  const pad = TINY_WINDOW >> 1;
  const inputs = [image, kernel, graph.constant([0, -2.5, -7.5], [3])];
  const logits = graph.node('Conv', inputs, { pads: [pad, pad, pad, pad] }, softmax ? undefined : 'scores');
  graph.output(softmax ? graph.node('Softmax', [logits], { axis: 1 }, 'scores') : logits, ['n', 3, 'h', 'w']);
  return graph.encode();
}

/** Writes the tiny model and its YAML file into a folder. Returns the YAML file's path. */
export function writeTinyTissueModel(
  folder: string,
  changes: Record<string, unknown> = {},
  model: Uint8Array = tinyTissueModel(),
): string {
  writeFileSync(join(folder, 'tissue.onnx'), model);
  const file = {
    name: 'tiny',
    onnx: 'tissue.onnx',
    size: 64,
    mpp: 4,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    activation: 'softmax',
    classes: ['glass', 'tissue', 'ink'],
    tissue: ['tissue'],
    artifact: ['ink'],
    ...changes,
  };
  const path = join(folder, 'tissue.yaml');
  writeFileSync(path, JSON.stringify(file));
  return path;
}
