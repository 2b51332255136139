import { writeSafetensors } from '../../domain/files/safetensors.js';
import { countElements, type Tensor } from '../../domain/files/tensor.js';
import { RandomStream } from '../../domain/random.js';

/** A prime, so that the rows of a matrix differ although they are taken from one block. */
const BLOCK = 1_048_573;

/** Collects tensors with random values, billions of them in seconds: the same values each time. */
export class RandomTensors {
  private readonly tensors: Record<string, Tensor> = {};
  private readonly block: Float32Array;
  private next = 0;

  constructor(name: string) {
    const random = new RandomStream(name);
    this.block = Float32Array.from({ length: BLOCK }, () => 2 * random.uniform() - 1);
  }

  /** Adds a tensor with values between `center - bound` and `center + bound`. */
  put(name: string, shape: readonly number[], bound: number, center = 0): void {
    const data = new Float32Array(countElements(shape));
    for (let i = 0; i < data.length; i++) {
      data[i] = center + bound * this.block[this.next];
      this.next = this.next + 1 === BLOCK ? 0 : this.next + 1;
    }
    this.tensors[name] = { dtype: 'float32', shape: [...shape], data };
  }

  write(path: string): void {
    writeSafetensors(path, this.tensors);
  }
}
