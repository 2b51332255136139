/**
 * Writes pickle programs opcode by opcode. The programs need no memo, because every value is written where it
 * is used.
 */
export class PickleWriter {
  private parts: Uint8Array[] = [];

  constructor(protocol: 2 | 4) {
    this.raw([0x80, protocol]);
  }

  /** Returns what was written since the last call, so that long programs can be written to disk in pieces. */
  take(): Uint8Array {
    const bytes = Buffer.concat(this.parts);
    this.parts = [];
    return bytes;
  }

  raw(bytes: Iterable<number> | Uint8Array): this {
    this.parts.push(bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes));
    return this;
  }

  /** Writes opcodes by their letters. */
  op(letter: string): this {
    return this.raw(Buffer.from(letter, 'latin1'));
  }

  none(): this {
    return this.op('N');
  }

  bool(value: boolean): this {
    return this.raw([value ? 0x88 : 0x89]);
  }

  /**
   * Writes a whole number.
   * @throws RangeError if it is not a safe integer
   */
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

  /**
   * Writes the header of `length` bytes. The caller adds the bytes with {@link raw} or writes them after the
   * result of {@link take}.
   */
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

  /** Writes a tuple whose items `fill` writes. */
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

  /** Writes a dict. `fill` writes alternating keys and values. */
  dict(fill: () => void): this {
    this.op('}(');
    fill();
    return this.op('u');
  }
}
