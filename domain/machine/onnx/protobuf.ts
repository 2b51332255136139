/**
 * Writes the part of the protocol buffer wire format that ONNX files need (protobuf.dev, "Encoding"):
 * varints, fixed 32-bit floats and length-delimited fields.
 */
export class ProtoWriter {
  private readonly chunks: Uint8Array[] = [];

  /** Writes an int32, int64, enum or bool field. */
  integer(field: number, value: number | bigint): this {
    this.chunks.push(varint(field * 8), varint(BigInt.asUintN(64, BigInt(value))));
    return this;
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.chunks.push(varint(field * 8 + 5), bytes);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.chunks.push(varint(field * 8 + 2), varint(value.length), value);
    return this;
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish());
  }

  /** Appends fields that are already encoded. */
  raw(fields: Uint8Array): this {
    this.chunks.push(fields);
    return this;
  }

  /** Writes a repeated integer field in packed form. */
  integers(field: number, values: readonly number[]): this {
    return this.bytes(field, Buffer.concat(values.map((value) => varint(BigInt.asUintN(64, BigInt(value))))));
  }

  finish(): Uint8Array {
    return Buffer.concat(this.chunks);
  }
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export interface ProtoField {
  field: number;
  /**
   * Varints as numbers (exact to 2^53), length-delimited fields as views, fixed-width fields as their bytes.
   */
  value: number | Uint8Array;
}

/**
 * Walks the fields of one message in file order, without knowing the schema.
 *
 * @throws RangeError where the bytes are not a protocol buffer
 */
export function* protoFields(message: Uint8Array): Generator<ProtoField> {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= message.length || scale > 2 ** 63) throw new RangeError('not a protocol buffer');
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > message.length) throw new RangeError('a field runs past the end');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = next();
    const field = Math.floor(tag / 8);
    if (field === 0) throw new RangeError('field number 0');
    switch (tag % 8) {
      case 0:
        yield { field, value: next() };
        break;
      case 1:
        yield { field, value: take(8) };
        break;
      case 2:
        yield { field, value: take(next()) };
        break;
      case 5:
        yield { field, value: take(4) };
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
  }
}
