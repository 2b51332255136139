import { visibleGpus } from '../../domain/machine/gpu/choose-gpus.js';
import type { Gpu } from '../../domain/machine/gpu/gpu.js';
import { gpuEnvironment } from '../../domain/machine/gpu/gpu-slots.js';
import { listGpus } from '../../domain/machine/gpu/nvidia-smi.js';
import { hasOnnxRuntime } from '../../domain/machine/onnx-runtime.js';
import { locateTensorFlow } from '../../domain/machine/tensorflow.js';
import { fact, runProbe, type Fact } from './probe.js';

/** The oldest driver that runs CUDA 13, which ONNX Runtime's provider is built for. */
const OLDEST_DRIVER = 580;

/** One fact per GPU, with what runs on it; each library computes there in a separate process. */
export async function examineGpus(): Promise<Fact[]> {
  const { gpus, problem } = await listGpus();
  if (gpus.length === 0) {
    const text = 'no NVIDIA GPU found; steps of the gpu queue run on the CPU';
    return [
      fact('gpu', problem === undefined ? 'ok' : 'warning', text, problem === undefined ? [] : [problem]),
    ];
  }
  const visible = visibleGpus(gpus);
  const facts = await Promise.all(gpus.map((gpu) => examine(gpu, visible.includes(gpu))));
  return problem === undefined ? facts : [...facts, fact('gpu', 'warning', problem)];
}

async function examine(gpu: Gpu, visible: boolean): Promise<Fact> {
  const { index, name, memory, driver, uuid } = gpu;
  const text = [
    `${index}: ${name}`,
    ...(memory === undefined ? [] : [`${(memory / 2 ** 30).toFixed(1)} GiB`]),
    ...(driver === undefined ? [] : [`driver ${driver}`]),
  ].join(', ');
  const id = uuid === undefined ? [] : [uuid];
  if (!visible) {
    const hidden = `not used: CUDA_VISIBLE_DEVICES=${process.env.CUDA_VISIBLE_DEVICES} hides it`;
    return fact('gpu', 'ok', text, [...id, hidden]);
  }
  const [onnx, tensorFlow] = await Promise.all([onnxOn(gpu), tensorFlowOn(gpu)]);
  const lacks = [onnx, tensorFlow].some((why) => why !== undefined);
  const old = Number.parseInt(driver ?? '', 10) < OLDEST_DRIVER;
  return fact('gpu', lacks ? 'warning' : 'ok', text, [
    ...id,
    `ONNX Runtime (CUDA): ${onnx === undefined ? 'yes' : `no, ${onnx}`}`,
    `TensorFlow: ${tensorFlow === undefined ? 'yes' : `no, ${tensorFlow}`}`,
    ...(lacks && old ? [`ONNX Runtime needs driver ${OLDEST_DRIVER} or newer`] : []),
  ]);
}

/** Why ONNX Runtime does not compute on the GPU; undefined if it does. */
async function onnxOn(gpu: Gpu): Promise<string | undefined> {
  if (!hasOnnxRuntime()) return 'it is not installed yet';
  const { failure, facts } = await runProbe('onnx', [], gpuEnvironment(gpu));
  if (failure !== undefined) return failure;
  const cuda = (facts.providers as { name: string; lack?: string }[]).find(({ name }) => name === 'cuda');
  return cuda === undefined ? 'this build has no CUDA provider' : cuda.lack;
}

/** Why TensorFlow does not compute on the GPU; undefined if it does. */
async function tensorFlowOn(gpu: Gpu): Promise<string | undefined> {
  const found = locateTensorFlow();
  if (found === undefined) return 'it is not installed yet';
  if (found.variant === 'cpu')
    return 'the installed build is for the CPU (SAM_MIL_GPU=1 selects the other one)';
  const environment = {
    ...gpuEnvironment(gpu),
    TF_CPP_MIN_LOG_LEVEL: '0',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  };
  const { failure, facts, log } = await runProbe('tensorflow', [found.packages], environment);
  if (failure !== undefined) return failure;
  if (facts.gpu === true) return undefined;
  return log.findLast((line) => /cuda|gpu/i.test(line))?.trim() ?? 'it computes on the CPU';
}
