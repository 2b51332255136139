import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OnnxGraph } from '../../domain/machine/onnx/onnx-graph.js';

/**
 * Writes a small real encoder into a folder: an ONNX model (one convolution, ReLU, mean) and the YAML file
 * that registers it. Returns the YAML file's path.
 * @param size side of the patches; undefined leaves it open in the model
 */
export function writeTinyEncoder(
  folder: string,
  changes: Record<string, unknown> = {},
  size?: number,
): string {
  const graph = new OnnxGraph('tiny');
  const image = graph.input('pixels', ['n', 3, size ?? 'h', size ?? 'w']);
  const weights = Array.from({ length: 5 * 3 * 4 * 4 }, (_, i) => Math.sin(i * 1.7) / 4);
  const convolved = graph.node('Conv', [image, graph.constant(weights, [5, 3, 4, 4])], { strides: [4, 4] });
  const mean = graph.node('GlobalAveragePool', [graph.node('Relu', [convolved])]);
  graph.output(graph.node('Flatten', [mean], { axis: 1 }, 'embedding'), ['n', 5]);
  writeFileSync(join(folder, 'tiny.onnx'), graph.encode());
  const file = {
    name: 'tiny',
    onnx: 'tiny.onnx',
    size: 32,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    dim: 5,
    ...changes,
  };
  const path = join(folder, 'tiny.yaml');
  writeFileSync(path, JSON.stringify(file));
  return path;
}
