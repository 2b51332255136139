/**
 * What an unpickled file is made of. None is null; whole numbers beyond 2^53 are bigint; a dict is a Map, also with tuple keys; a set is a Set;
 * a list is an array; a {@link PickleObject} is what an allow-listed constructor made (a numpy array, a torch tensor).
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

/** A Python bytes or bytearray: where it lies, read only when it is needed, so that a file of many arrays never is in memory as a whole. */
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

/** Something made by an allow-listed constructor. It has our behaviour, none of the file's. */
export abstract class PickleObject {
  /** What the opcode BUILD does to it. @throws RangeError where the state has no meaning for it */
  abstract setState(state: PickleValue): void;
}

/** A class or function that the file names and the allow-list knows. */
export class PickleGlobal {
  /** `module.name`, as the file has it. */
  readonly name: string;
  private readonly make: ((args: readonly PickleValue[]) => PickleValue) | undefined;

  /** `make` is what calling it does; without one it may be mentioned but not called. */
  constructor(name: string, make?: (args: readonly PickleValue[]) => PickleValue) {
    this.name = name;
    this.make = make;
  }

  call(args: readonly PickleValue[]): PickleValue {
    if (this.make === undefined) throw new RangeError(`calls "${this.name}", which may only be mentioned`);
    return this.make(args);
  }
}

/** Finds the allow-list's entry for `module.name`; undefined refuses it. */
export type FindGlobal = (name: string) => PickleGlobal | undefined;

/** A finder over fixed entries: name to what calling it makes. */
export function globalsFinder(
  entries: Readonly<Record<string, (args: readonly PickleValue[]) => PickleValue>>,
): FindGlobal {
  const known = new Map(Object.entries(entries).map(([name, make]) => [name, new PickleGlobal(name, make)]));
  return (name) => known.get(name);
}
