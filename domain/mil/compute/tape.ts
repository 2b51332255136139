import { tf, type Tensor } from './backend.js';

/** One recorded operation, as TensorFlow.js keeps it. */
export interface TapeNode {
  id: number;
  kernelName: string;
  inputs: Record<string, Tensor>;
  outputs: Tensor[];
  saved: Tensor[];
  /** Gradients by input, some of them made only when they are asked for; missing where the operation has none. */
  gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
}

/** The parts of TensorFlow.js's engine that record; its declarations hide them. */
interface TapeEngine {
  state: {
    activeTape: TapeNode[] | null;
    /** How many recordings are going on, and how many operations inside which nothing is recorded. */
    gradientDepth: number;
    kernelDepth: number;
    nextTapeNodeId: number;
  };
  startTape(): void;
  endTape(): void;
  backend: { incRef(data: Tensor['dataId']): void };
  makeTensorFromDataId(data: Tensor['dataId'], shape: number[], dtype: Tensor['dtype']): Tensor;
}

export function tapeEngine(): TapeEngine {
  return tf.engine() as unknown as TapeEngine;
}
