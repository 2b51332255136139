import { SamMilError } from '../../../../errors.js';
import type { TensorLayout } from '../../../../files/torch/torch-layout.js';

/**
 * A tensor in every checkpoint of Segment Anything, for all image encoders. Training scripts add prefixes
 * such as `model.`.
 */
const LANDMARK = 'prompt_encoder.no_mask_embed.weight';

/** The required shape: a number for each fixed size, undefined for any size. */
type RequiredShape = readonly (number | undefined)[];

/**
 * Tensors of a Segment Anything checkpoint by their published names. Each lookup checks the required shape
 * and refuses a missing or misfitting tensor by name.
 */
export class SamCheckpoint {
  private readonly tensors: ReadonlyMap<string, TensorLayout>;
  private readonly prefix: string;

  /** @throws SamMilError UnsupportedFormat if there is no prompt encoder */
  constructor(tensors: ReadonlyMap<string, TensorLayout>) {
    this.tensors = tensors;
    const found = [...tensors.keys()].find((name) => name === LANDMARK || name.endsWith(`.${LANDMARK}`));
    this.prefix = found?.slice(0, -LANDMARK.length) ?? '';
    if (found === undefined) this.tensor(LANDMARK);
  }

  has(name: string): boolean {
    return this.tensors.has(this.prefix + name);
  }

  /** Counts numbered parts (`prefix0.`, `prefix1.`, ...): one more than the highest number, at least one. */
  count(prefix: string): number {
    const start = this.prefix + prefix;
    let count = 1;
    for (const name of this.tensors.keys()) {
      if (!name.startsWith(start)) continue;
      const [number] = name.slice(start.length).split('.', 1);
      if (/^\d{1,4}$/.test(number)) count = Math.max(count, Number(number) + 1);
    }
    return count;
  }

  /**
   * Returns the shape of a tensor.
   * @throws SamMilError UnsupportedFormat if it is missing or does not have the required shape
   */
  shape(name: string, required: RequiredShape): readonly number[] {
    return this.tensor(name, required).shape;
  }

  tensor(name: string, required?: RequiredShape): TensorLayout {
    const tensor = this.tensors.get(this.prefix + name);
    if (tensor === undefined) throw this.misfit(name, describeShape(required), 'no tensor with this name');
    const { shape } = tensor;
    const fits =
      required === undefined ||
      (shape.length === required.length &&
        required.every((size, axis) => size === undefined || size === shape[axis]));
    if (!fits || shape.some((size) => size < 1))
      throw this.misfit(name, describeShape(required), `[${shape.join(', ')}]`);
    return tensor;
  }

  /** Creates the error for a tensor that does not fit this network. */
  misfit(name: string, expected: string, found: string): SamMilError {
    const [any] = this.tensors.values();
    return new SamMilError(
      'UnsupportedFormat',
      `the checkpoint has no matching tensor ${this.prefix}${name}`,
      {
        file: any?.file,
        expected,
        found,
        next: 'import the complete checkpoint as it was published',
      },
    );
  }
}

function describeShape(required: RequiredShape | undefined): string {
  if (required === undefined) return 'a checkpoint of Segment Anything (vit_h, vit_l, vit_b) or MobileSAM';
  return `shape [${required.map((size) => size ?? 'any').join(', ')}]`;
}
