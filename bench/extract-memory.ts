/**
 * Memory of pathology.extract for many patches with 1,024 features each, by a cheap model (a mean pool and a
 * dense layer). Prints the peak of the process in MB, or with `growth` how much that peak rose from the first
 * quarter of the patches to the last one. Arguments: slide, patch size, patches, `peak` or `growth`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxGraph } from '../domain/machine/onnx/onnx-graph.js';
import { RandomStream } from '../domain/random.js';
import { extractPatches, overlappingGrid } from './extract-job.js';

const DIM = 1024;
const [slide, sizeText, countText, what] = process.argv.slice(2);
const [size, count] = [Number(sizeText), Number(countText)];
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));

function writeEncoder(): string {
  const random = new RandomStream('memory bench');
  const graph = new OnnxGraph('pool');
  const image = graph.input('image', ['n', 3, 224, 224]);
  const pooled = graph.node('AveragePool', [image], { kernel_shape: [28, 28], strides: [28, 28] });
  const flat = graph.node('Flatten', [pooled], { axis: 1 });
  const weights = Array.from({ length: DIM * 192 }, () => random.uniform() - 0.5);
  graph.output(graph.node('Gemm', [flat, graph.constant(weights, [DIM, 192])], { transB: 1 }, 'features'), [
    'n',
    DIM,
  ]);
  writeFileSync(join(folder, 'pool.onnx'), graph.encode());
  const triple = [0.5, 0.5, 0.5];
  const file = { name: 'pool', onnx: 'pool.onnx', size: 224, mean: triple, std: triple, dim: DIM };
  writeFileSync(join(folder, 'pool.yaml'), JSON.stringify(file));
  return join(folder, 'pool.yaml');
}

/** Of this process since its start, including threads and native memory. */
function peakMegabytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

try {
  let quarter = 0;
  let last = 0;
  await extractPatches(folder, {
    slide,
    size,
    coords: overlappingGrid(size, count),
    encoder: writeEncoder(),
    batchSize: 32,
    progress: ({ done }) => {
      if (quarter === 0 && done >= count / 4) quarter = peakMegabytes();
      if (done === count) last = peakMegabytes();
    },
  });
  const peak = peakMegabytes();
  console.log(JSON.stringify({ value: what === 'growth' ? last - quarter : peak, peak, quarter, last }));
} finally {
  rmSync(folder, { recursive: true });
}
