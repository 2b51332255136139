/**
 * A value in an unpickled file. None becomes null, whole numbers beyond 2^53 become bigint, a dict becomes a
 * Map (also with tuple keys), a set a Set and a list an array. A {@link PickleObject} was created by an
 * allow-listed constructor (a numpy array, a torch tensor).
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleBytes
  | PickleTuple
  | PickleGlobal
  | PickleObject
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>;

/** A Python tuple. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/**
 * A Python bytes or bytearray. The content is read when it is needed, so that a file with many arrays is
 * never in memory as a whole.
 */
export class PickleBytes {
  readonly length: number;
  private readonly fetch: () => Uint8Array;

  constructor(length: number, fetch: () => Uint8Array) {
    this.length = length;
    this.fetch = fetch;
  }

  static of(bytes: Uint8Array): PickleBytes {
    return new PickleBytes(bytes.length, () => bytes);
  }

  read(): Uint8Array {
    return this.fetch();
  }
}

/**
 * An object that an allow-listed constructor created. Its behavior is implemented here, never taken from the
 * file.
 */
export abstract class PickleObject {
  /**
   * Applies the opcode BUILD.
   * @throws RangeError if the state is invalid for this object
   */
  abstract setState(state: PickleValue): void;
}

/** A class or function that the file names and the allow-list contains. */
export class PickleGlobal {
  /** `module.name`, as in the file. */
  readonly name: string;
  private readonly make: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  /** @param make implements a call; without it, the file may name the class or function but not call it */
  constructor(name: string, make?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.make = make;
  }

  call(args: readonly PickleValue[]): PickleValue {
    if (this.make === undefined)
      throw new RangeError(`calls "${this.name}", which may be named but not called`);
    return this.make(args);
  }
}

/** Returns the allow-list entry of `module.name`; undefined if it is not allowed. */
export type FindGlobal = (name: string) => PickleGlobal | undefined;

/** Creates a finder for fixed entries: functions that implement calls, by name. */
export function globalsFinder(
  entries: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>>,
): FindGlobal {
  const known = new Map(Object.entries(entries).map(([name, make]) => [name, new PickleGlobal(name, make)]));
  return (name) => known.get(name);
}
