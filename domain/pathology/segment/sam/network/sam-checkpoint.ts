import { SamMilError } from '../../../../errors.js';
import type { TensorLayout } from '../../../../files/torch/torch-layout.js';

/** A name that every Segment Anything checkpoint has, whatever its image encoder; training scripts put prefixes such as `model.` before it. */
const LANDMARK = 'prompt_encoder.no_mask_embed.weight';

/** A size that a shape is asked for: a number that must be met, or undefined where any will do. */
type Wanted = readonly (number | undefined)[];

/**
 * Tensors of a Segment Anything checkpoint by the published names, each looked up together with the shape it must have: the first that is missing or
 * does not fit is refused by name.
 */
export class SamCheckpoint {
  private readonly tensors: ReadonlyMap<string, TensorLayout>;
  private readonly prefix: string;

  /** @throws SamMilError UnsupportedFormat where there is no prompt encoder */
  constructor(tensors: ReadonlyMap<string, TensorLayout>) {
    this.tensors = tensors;
    const found = [...tensors.keys()].find((name) => name === LANDMARK || name.endsWith(`.${LANDMARK}`));
    this.prefix = found?.slice(0, -LANDMARK.length) ?? '';
    if (found === undefined) this.tensor(LANDMARK);
  }

  has(name: string): boolean {
    return this.tensors.has(this.prefix + name);
  }

  /** How many numbered parts there are, `prefix0.`, `prefix1.` and so on: one more than the highest number, at least one. */
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

  /** The tensor's sizes. Throws `UnsupportedFormat` where it is missing, or has another rank or other sizes than asked for. */
  shape(name: string, wanted: Wanted): readonly number[] {
    return this.tensor(name, wanted).shape;
  }

  tensor(name: string, wanted?: Wanted): TensorLayout {
    const tensor = this.tensors.get(this.prefix + name);
    if (tensor === undefined) throw this.misfit(name, told(wanted), 'none of this name');
    const { shape } = tensor;
    const fits =
      wanted === undefined ||
      (shape.length === wanted.length &&
        wanted.every((size, axis) => size === undefined || size === shape[axis]));
    if (!fits || shape.some((size) => size < 1))
      throw this.misfit(name, told(wanted), `[${shape.join(', ')}]`);
    return tensor;
  }

  /** The error for a tensor that is not what this network needs. */
  misfit(name: string, expected: string, found: string): SamMilError {
    const [any] = this.tensors.values();
    return new SamMilError(
      'UnsupportedFormat',
      `the checkpoint has no fitting tensor ${this.prefix}${name}`,
      {
        file: any?.file,
        expected,
        found,
        next: 'bring the checkpoint as it was published, whole',
      },
    );
  }
}

function told(wanted: Wanted | undefined): string {
  if (wanted === undefined) return 'a checkpoint of Segment Anything (vit_h, vit_l, vit_b) or MobileSAM';
  return `shape [${wanted.map((size) => size ?? 'any').join(', ')}]`;
}
