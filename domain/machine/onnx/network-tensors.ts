import { SamMilError } from '../../errors.js';
import type { TensorLayout } from '../../files/torch/torch-layout.js';

/** What is known about the names of the tensors of an architecture. */
export interface NetworkNames {
  /** Name of a tensor that every checkpoint has; what precedes it is the prefix of all names. */
  anchor: string;
  /** Tensors that the published checkpoints have and that the computed part does not use. */
  unused: readonly RegExp[];
}

/** Counters and indexes that layers store and do not compute with. */
const BUFFERS = /(^|\.)(num_batches_tracked|position_ids|relative_position_index|attention_bias_idxs)$/;

/** Most names in a message. */
const SHOWN = 5;

/**
 * The tensors of one network of a checkpoint, without their prefix. It records which are read, so that
 * {@link refuseUnread} can tell layers that the architecture does not have.
 */
export class NetworkTensors extends Map<string, TensorLayout> {
  private readonly read = new Set<string>();

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
    const left = [...this.keys()].filter(
      (name) => !this.read.has(name) && !BUFFERS.test(name) && !unused.some((pattern) => pattern.test(name)),
    );
    if (left.length === 0) return;
    throw new SamMilError(
      'UnsupportedFormat',
      'this checkpoint has layers that the architecture does not have',
      {
        file: super.get(left[0])?.file,
        expected: 'only tensors that the architecture uses',
        found: `${left.length} more: ${shorten(left)}`,
        next: 'use the architecture that the checkpoint was trained with, as an ONNX model if it is not listed; remove the tensors only if the network does not need them',
      },
    );
  }
}

/**
 * Selects the tensors of one network by their prefix (`state_dict.`, `model.`, `teacher.backbone.`).
 * @param prefix of the network; required if the checkpoint has several
 * @throws SamMilError InvalidInput naming the prefixes if it has several, or none with this prefix
 */
export function networkTensors(
  tensors: ReadonlyMap<string, TensorLayout>,
  { anchor }: NetworkNames,
  prefix?: string,
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
  const own = [...tensors].filter(
    ([name]) => name.startsWith(chosen) && !others.some((other) => name.startsWith(other)),
  );
  return new NetworkTensors(own.map(([name, tensor]) => [name.slice(chosen.length), tensor]));
}

function shorten(names: readonly string[]): string {
  return `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', ...' : ''}`;
}
