import { SamMilError } from '../../errors.js';
import type { TensorLayout } from '../../files/torch/torch-layout.js';

/** What is known about the names of the tensors of an architecture. */
export interface NetworkNames {
  /** Name of a tensor that every checkpoint has; what precedes it is the prefix of all names. */
  anchor: string;
  /** Tensors that the published checkpoints have and that the computed part does not use. */
  unused: readonly RegExp[];
}

/** What a person states about the names of the tensors of a checkpoint. */
export interface NetworkChoice {
  /** Prefix of the network; required if the checkpoint has several. Tensors without it are left out. */
  prefix?: string;
  /** Tensors to leave out, by name; `name.*` stands for all below `name`. */
  ignore?: readonly string[];
}

/** Counters and indexes that layers store and do not compute with. */
const BUFFERS = /(^|\.)(num_batches_tracked|position_ids|relative_position_index|attention_bias_idxs)$/;

/** What training scripts store beside a network. */
const TRAINING =
  /^(optimizers?|optimizer_states?|(lr_)?schedulers?|(grad_)?scaler|callbacks|loops|epoch|step|global_step)(\.|$)/;

/** Most names in a message. */
const SHOWN = 5;

/**
 * The tensors of one network of a checkpoint, without their prefix. It records which are read, so that
 * {@link refuseUnread} can tell layers that the architecture does not have.
 */
export class NetworkTensors extends Map<string, TensorLayout> {
  private readonly read = new Set<string>();
  private readonly prefix: string;
  /** Tensors that are not below the prefix. */
  private readonly strays: ReadonlyMap<string, TensorLayout>;

  constructor(
    own: Iterable<readonly [string, TensorLayout]>,
    prefix: string,
    strays: ReadonlyMap<string, TensorLayout>,
  ) {
    super(own);
    this.prefix = prefix;
    this.strays = strays;
  }

  override get(name: string): TensorLayout | undefined {
    this.read.add(name);
    return super.get(name);
  }

  /**
   * To be called when the whole network was built. A network without some of its layers computes something
   * else, so `load_state_dict` of torch refuses such a checkpoint too.
   * @throws SamMilError UnsupportedFormat naming tensors that no layer uses
   */
  refuseUnread({ unused }: NetworkNames): void {
    const known = (name: string): boolean =>
      BUFFERS.test(name) || unused.some((pattern) => pattern.test(name));
    const own = [...this].filter(([name]) => !this.read.has(name) && !known(name));
    const strays = [...this.strays].filter(([name]) => !TRAINING.test(name) && !known(this.relative(name)));
    const left = [...own.map(([name, tensor]) => [this.prefix + name, tensor] as const), ...strays];
    if (left.length === 0) return;
    throw new SamMilError(
      'UnsupportedFormat',
      'this checkpoint has layers that the architecture does not have',
      {
        file: left[0][1].file,
        expected: 'only tensors that the architecture uses',
        found: `${left.length} more: ${shorten(left.map(([name]) => name))}`,
        next: 'use the architecture that the checkpoint was trained with, as an ONNX model if it is not listed; name the tensors in `ignore` only if the network does not need them',
      },
    );
  }

  /**
   * The name of a stray within what it shares with the network: `teacher.head.x` beside `teacher.backbone.`
   * is `head.x`.
   */
  private relative(name: string): string {
    let shared = 0;
    for (let dot = this.prefix.indexOf('.'); dot >= 0; dot = this.prefix.indexOf('.', dot + 1)) {
      if (name.startsWith(this.prefix.slice(0, dot + 1))) shared = dot + 1;
    }
    return name.slice(shared);
  }
}

/**
 * Selects the tensors of one network by their prefix (`state_dict.`, `model.`, `teacher.backbone.`).
 * @throws SamMilError InvalidInput naming the prefixes if it has several, or none with this prefix
 */
export function networkTensors(
  tensors: ReadonlyMap<string, TensorLayout>,
  { anchor }: Pick<NetworkNames, 'anchor'>,
  { prefix, ignore = [] }: NetworkChoice = {},
): NetworkTensors {
  const prefixes = [...tensors.keys()]
    .filter((name) => name === anchor || name.endsWith(`.${anchor}`))
    .map((name) => name.slice(0, name.length - anchor.length));
  const wanted = prefix === undefined || prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  const chosen = wanted ?? prefixes.at(0) ?? '';
  if (prefixes.length > 0 && (!prefixes.includes(chosen) || (wanted === undefined && prefixes.length > 1))) {
    const [any] = tensors.values();
    const what = wanted === undefined ? 'several networks' : 'no network with this prefix';
    throw new SamMilError('InvalidInput', `the checkpoint has ${what}`, {
      file: any.file,
      expected: 'the prefix of one of its networks as `prefix`',
      found: `${wanted === undefined ? '' : `${JSON.stringify(wanted)}; it has `}${prefixes.map((name) => JSON.stringify(name)).join(', ')}`,
      next: 'set `prefix` in the file that describes the model; of a student and a teacher, the teacher is the one to use',
    });
  }
  const others = prefixes.filter((other) => other.length > chosen.length && other.startsWith(chosen));
  const isOwn = (name: string): boolean =>
    name.startsWith(chosen) && !others.some((other) => name.startsWith(other));
  const isIgnored = ignoring(ignore, chosen);
  const kept = [...tensors].filter(([name]) => !isIgnored(name));
  const own = kept.filter(([name]) => isOwn(name));
  const strays = wanted === undefined ? kept.filter(([name]) => !isOwn(name)) : [];
  return new NetworkTensors(
    own.map(([name, tensor]) => [name.slice(chosen.length), tensor] as const),
    chosen,
    new Map(strays),
  );
}

/** Names in `ignore` may be those of the file, or those without the prefix of the network. */
function ignoring(ignore: readonly string[], prefix: string): (name: string) => boolean {
  const names = ignore.flatMap((name) => [name, prefix + name]);
  const exact = new Set(names);
  const below = names.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -1));
  return (name) => exact.has(name) || below.some((start) => name.startsWith(start));
}

function shorten(names: readonly string[]): string {
  return `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', ...' : ''}`;
}
