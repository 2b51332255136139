/** Writes pickle programs opcode by opcode. What it emits needs no memo: every value is written where it stands. */
export class PickleWriter {
  private parts: Uint8Array[] = [];

  constructor(protocol: 2 | 4) {
    this.raw([0x80, protocol]);
  }

  /** What was written since the last call: lets long programs go to disk in pieces. */
  take(): Uint8Array {
    const bytes = Buffer.concat(this.parts);
    this.parts = [];
    return bytes;
  }

  raw(bytes: Iterable<number> | Uint8Array): this {
    this.parts.push(bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes));
    return this;
  }

  /** An opcode by its letter. */
  op(letter: string): this {
    return this.raw(Buffer.from(letter, 'latin1'));
  }

  none(): this {
    return this.op('N');
  }

  bool(value: boolean): this {
    return this.raw([value ? 0x88 : 0x89]);
  }

  /** A whole number of any safe size. */
  int(value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`pickle: ${value} is not a safe whole number`);
    if (value >= 0 && value < 256) return this.raw([0x4b, value]);
    const bytes = Buffer.alloc(value === (value | 0) ? 5 : 10);
    if (bytes.length === 5) {
      bytes[0] = 0x4a;
      bytes.writeInt32LE(value, 1);
    } else {
      bytes[0] = 0x8a;
      bytes[1] = 8;
      bytes.writeBigInt64LE(BigInt(value), 2);
    }
    return this.raw(bytes);
  }

  float(value: number): this {
    const bytes = Buffer.alloc(9);
    bytes[0] = 0x47;
    bytes.writeDoubleBE(value, 1);
    return this.raw(bytes);
  }

  text(value: string): this {
    const content = Buffer.from(value, 'utf8');
    const head = Buffer.alloc(5);
    head[0] = 0x58;
    head.writeUInt32LE(content.length, 1);
    return this.raw(head).raw(content);
  }

  /** Announces `length` bytes, which the caller adds by {@link raw} or writes behind what it has taken. */
  bytesHead(length: number): this {
    const head = Buffer.alloc(length < 2 ** 32 ? 5 : 9);
    head[0] = length < 2 ** 32 ? 0x42 : 0x8e;
    if (head.length === 5) head.writeUInt32LE(length, 1);
    else head.writeBigUInt64LE(BigInt(length), 1);
    return this.raw(head);
  }

  global(module: string, name: string): this {
    return this.raw(Buffer.from(`c${module}\n${name}\n`, 'latin1'));
  }

  /** A tuple of what `fill` writes. */
  tuple(fill: () => void): this {
    this.op('(');
    fill();
    return this.op('t');
  }

  list(fill: () => void): this {
    this.op('](');
    fill();
    return this.op('e');
  }

  /** A dict; `fill` writes keys and values in turn. */
  dict(fill: () => void): this {
    this.op('}(');
    fill();
    return this.op('u');
  }
}
