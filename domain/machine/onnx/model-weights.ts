import { SamMilError } from '../../errors.js';
import type { TensorLayout } from '../../files/torch/torch-layout.js';

/** A size of a tensor that may be anything. */
export const ANY = undefined;

/**
 * Tensors of a checkpoint as a graph asks for them: by the published name, with the shape that the architecture wants. Wrappers around the names
 * (`state_dict.`, `model.`, `module.`) are looked through.
 */
export class ModelWeights {
  /** What the tensors must belong to, in words: `ResNet-50 (torchvision's names)`. */
  readonly architecture: string;
  private readonly tensors: ReadonlyMap<string, TensorLayout>;
  private readonly prefix: string;

  /** @param anchor name of a tensor that every such checkpoint has; what stands before it is the prefix of all names */
  constructor(tensors: ReadonlyMap<string, TensorLayout>, architecture: string, anchor: string) {
    this.tensors = tensors;
    this.architecture = architecture;
    const anchors = [...tensors.keys()].filter((name) => name === anchor || name.endsWith(`.${anchor}`));
    // The shortest: a checkpoint may hold a copy (an average, a teacher) under a longer path.
    const [found = anchor] = anchors.sort((a, b) => a.length - b.length);
    this.prefix = found.slice(0, found.length - anchor.length);
  }

  has(name: string): boolean {
    return this.tensors.has(this.prefix + name);
  }

  /**
   * @param shape sizes that the tensor must have, {@link ANY} for those that the checkpoint decides
   * @throws SamMilError `UnsupportedFormat` naming the tensor, where it is missing or has another shape
   */
  tensor(name: string, shape: readonly (number | undefined)[]): TensorLayout {
    const tensor = this.tensors.get(this.prefix + name);
    const fits =
      tensor?.shape.length === shape.length &&
      shape.every((size, axis) => size === ANY || size === tensor.shape[axis]);
    if (tensor && fits) return tensor;
    throw this.refusal(`has no fitting tensor ${name}`, {
      expected: `shape [${shape.map((size) => size ?? 'n').join(', ')}], as in ${this.architecture}`,
      found: tensor ? `[${tensor.shape.join(', ')}]` : 'none of this name',
    });
  }

  refusal(what: string, facts: { expected: string; found: string }): SamMilError {
    const [first] = this.tensors.values();
    return new SamMilError('UnsupportedFormat', `this checkpoint ${what}`, {
      file: first?.file,
      ...facts,
      next: 'bring the checkpoint of that architecture',
    });
  }
}
