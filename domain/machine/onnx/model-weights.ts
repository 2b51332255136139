import { SamMilError } from '../../errors.js';
import type { TensorLayout } from '../../files/torch/torch-layout.js';

/** An unconstrained size in a tensor's shape. */
export const ANY = undefined;

/**
 * Looks up the tensors of a checkpoint by their published names and checks that their shapes fit the
 * architecture. Prefixes of the names (`state_dict.`, `model.`, `module.`) are ignored.
 */
export class ModelWeights {
  /** Display name of the architecture: `ResNet-50 (torchvision's names)`. */
  readonly architecture: string;
  private readonly tensors: ReadonlyMap<string, TensorLayout>;
  private readonly prefix: string;

  /**
   * @param anchor name of a tensor that every such checkpoint has; what precedes it is the prefix of all
   *   names
   */
  constructor(tensors: ReadonlyMap<string, TensorLayout>, architecture: string, anchor: string) {
    this.tensors = tensors;
    this.architecture = architecture;
    const anchors = [...tensors.keys()].filter((name) => name === anchor || name.endsWith(`.${anchor}`));
    // The shortest wins: a checkpoint may hold a copy (an average, a teacher) under a longer path.
    const [found = anchor] = anchors.sort((a, b) => a.length - b.length);
    this.prefix = found.slice(0, found.length - anchor.length);
  }

  /** Name of the file of the first tensor. */
  get file(): string | undefined {
    const [first] = this.tensors.values();
    return first?.file;
  }

  has(name: string): boolean {
    return this.tensors.has(this.prefix + name);
  }

  /**
   * @param shape expected sizes, {@link ANY} for those that depend on the checkpoint
   * @throws SamMilError `UnsupportedFormat` naming the tensor if it is missing or has a different shape
   */
  tensor(name: string, shape: readonly (number | undefined)[]): TensorLayout {
    const tensor = this.tensors.get(this.prefix + name);
    const fits =
      tensor?.shape.length === shape.length &&
      shape.every((size, axis) => size === ANY || size === tensor.shape[axis]);
    if (tensor && fits) return tensor;
    throw this.refusal(`has no matching tensor ${name}`, {
      expected: `shape [${shape.map((size) => size ?? 'n').join(', ')}], as in ${this.architecture}`,
      found: tensor ? `[${tensor.shape.join(', ')}]` : 'no tensor of this name',
    });
  }

  refusal(what: string, facts: { expected: string; found: string; next?: string }): SamMilError {
    return new SamMilError('UnsupportedFormat', `this checkpoint ${what}`, {
      file: this.file,
      next: 'provide a checkpoint of that architecture',
      ...facts,
    });
  }
}
