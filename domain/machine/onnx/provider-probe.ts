/**
 * Program that tries each execution provider of ONNX Runtime on a small model and prints the results as a
 * line of JSON. It runs in a separate process so that a crashing driver cannot crash `doctor`.
 */
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { loadOnnxRuntime } from '../onnx-runtime.js';
import { OnnxGraph } from './onnx-graph.js';
import { executionProviders, openSession, runtimeVersion } from './onnx-session.js';

/** A model that doubles its input: enough to load a provider's libraries and to compute on its device. */
function smallModel(): Uint8Array {
  const graph = new OnnxGraph('probe');
  const x = graph.input('x', [1, 4]);
  graph.output(graph.node('Add', [x, x], {}, 'y'), [1, 4]);
  return graph.encode();
}

async function compute(device: 'cpu' | 'cuda' | 'tensorrt'): Promise<string | undefined> {
  // The file does not exist: `path` only names the model in errors.
  const { session, provider } = await openSession(join(tmpdir(), 'probe.onnx'), {
    device,
    model: smallModel(),
  });
  if (provider.name !== device) return provider.why;
  const { Tensor } = await loadOnnxRuntime();
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]) });
  await session.release();
  const sum = (y.data as Float32Array).reduce((total, value) => total + value, 0);
  return sum === 20 ? undefined : `it returns a wrong result: the sum of 2, 4, 6, 8 is ${sum}`;
}

const providers: { name: string; lack?: string }[] = [];
for (const { name, lack } of await executionProviders()) {
  const why = lack ?? (await compute(name).catch((error: Error) => error.message));
  providers.push({ name, lack: why?.replace(new RegExp(`^${name}: `), '') });
}
console.log(JSON.stringify({ version: await runtimeVersion(), providers }));
