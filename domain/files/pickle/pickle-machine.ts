import type { ByteCursor } from './byte-cursor.js';
import type { PickleBytes } from './pickle-values.js';
import {
  type FindGlobal,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from './pickle-values.js';

/** Limits on the memory that a file can make the reader use. Real files stay far below them. */
export const LIMITS = {
  opcodes: 50_000_000,
  stack: 2_000_000,
  memo: 10_000_000,
  marks: 1000,
  text: 1 << 28,
  line: 1 << 24,
};

/**
 * The state of a pickle program: stack, memo and marks. It does not know classes; the allow-list defines what
 * a name refers to and whether it may be used.
 */
export class PickleMachine {
  readonly cursor: ByteCursor;
  readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly findGlobal: FindGlobal;
  private readonly persistent: ((id: PickleValue) => PickleValue) | undefined;

  constructor(cursor: ByteCursor, findGlobal: FindGlobal, persistent?: (id: PickleValue) => PickleValue) {
    this.cursor = cursor;
    this.findGlobal = findGlobal;
    this.persistent = persistent;
  }

  push(value: PickleValue): void {
    if (this.stack.push(value) > LIMITS.stack)
      throw new RangeError(`has more than ${LIMITS.stack} values at once`);
  }

  pop(): PickleValue {
    // The stack below the innermost mark belongs to an outer construction.
    if (this.stack.length <= (this.marks.at(-1) ?? 0))
      throw new RangeError('takes a value that is not on the stack');
    return this.stack.pop() as PickleValue;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    if (this.marks.push(this.stack.length) > LIMITS.marks)
      throw new RangeError(`is nested deeper than ${LIMITS.marks} levels`);
  }

  markOnTop(): boolean {
    return this.marks.at(-1) === this.stack.length;
  }

  popToMark(): PickleValue[] {
    const start = this.marks.pop();
    if (start === undefined) throw new RangeError('ends a construction that was never started');
    return this.stack.splice(start);
  }

  store(index: number): void {
    this.memo.set(index, this.top());
    if (this.memo.size > LIMITS.memo) throw new RangeError(`stores more than ${LIMITS.memo} values`);
  }

  storeNext(): void {
    this.store(this.memo.size);
  }

  fetch(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw new RangeError(`refers to value ${index}, which was never stored`);
    this.push(value);
  }

  global(module: string, name: string): void {
    const full = `${module}.${name}`;
    const found = this.findGlobal(full);
    if (found === undefined) throw new RefusedGlobal(full);
    this.push(found);
  }

  persist(id: PickleValue): void {
    if (this.persistent === undefined) throw new RangeError('refers to data outside itself');
    this.push(this.persistent(id));
  }

  call(target: PickleValue, args: PickleValue): void {
    if (!(target instanceof PickleGlobal))
      throw new RangeError('calls something that is not a class or function');
    if (!(args instanceof PickleTuple))
      throw new RangeError(`calls "${target.name}" without a list of arguments`);
    this.push(target.call(args.items));
  }

  build(): void {
    const state = this.pop();
    const object = this.top();
    if (object instanceof PickleObject) object.setState(state);
    // An OrderedDict may have attributes (torch stores `_metadata` there), which are not needed.
    else if (!(object instanceof Map)) throw new RangeError('sets the state of a plain value');
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new RangeError('appends to something that is not a list');
    for (const item of items) list.push(item);
  }

  insert(pairs: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw new RangeError('sets an item of something that is not a dict');
    fillDict(dict, pairs);
  }

  add(items: readonly PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw new RangeError('adds to something that is not a set');
    for (const item of items) set.add(item);
  }

  text(length: number): string {
    if (length > LIMITS.text) throw new RangeError(`has a text of ${length} bytes`);
    return Buffer.from(this.cursor.take(length)).toString('utf8');
  }

  latin1(length: number): string {
    if (length > LIMITS.text) throw new RangeError(`has a string of ${length} bytes`);
    return Buffer.from(this.cursor.take(length)).toString('latin1');
  }

  bytes(length: number): PickleBytes {
    return this.cursor.bytes(length);
  }
}

/** A name outside the allow-list. */
export class RefusedGlobal extends Error {
  readonly global: string;

  constructor(global: string) {
    super(global);
    this.global = global;
  }
}

/**
 * Keys that are equal in Python but distinct objects here (tuples) remain separate entries, so nothing is
 * lost.
 */
export function fillDict(dict: Map<PickleValue, PickleValue>, pairs: readonly PickleValue[]): void {
  if (pairs.length % 2 !== 0) throw new RangeError('has a dict key without a value');
  for (let index = 0; index < pairs.length; index += 2) dict.set(pairs[index], pairs[index + 1]);
}
