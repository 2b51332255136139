import { PickleWriter } from '../../../../domain/files/pickle/pickle-writer.js';

/** Properties of the only tensor of a checkpoint. The defaults describe a valid tensor of 2 x 3 floats. */
export interface TensorFacts {
  storage?: string;
  key?: string;
  length?: number;
  offset?: number;
  shape?: number[];
  strides?: number[];
  /** Notes of torch about a view, such as `neg`. */
  notes?: Record<string, boolean>;
}

/** The program of a checkpoint with a single tensor, with any wrong values. */
export function tensorProgram(facts: TensorFacts): Uint8Array {
  const {
    storage = 'FloatStorage',
    key = '0',
    length = 6,
    offset = 0,
    shape = [2, 3],
    strides = [3, 1],
    notes,
  } = facts;
  const program = new PickleWriter(2);
  const sizes = (values: number[]): unknown =>
    program.tuple(() => values.forEach((value) => program.int(value)));
  program.global('torch._utils', '_rebuild_tensor_v2').tuple(() => {
    program.tuple(() => program.text('storage').global('torch', storage).text(key).text('cpu').int(length));
    program.op('Q').int(offset);
    sizes(shape);
    sizes(strides);
    program.bool(false).global('collections', 'OrderedDict').op(')R');
    if (notes)
      program.dict(() => Object.entries(notes).forEach(([name, set]) => program.text(name).bool(set)));
  });
  return program.op('R.').take();
}

export interface ZipEntry {
  name: string;
  content: Uint8Array;
  /** Size that the directory states. */
  claimed?: number;
  /** Offset that the directory states. */
  local?: number;
  /** Number of an earlier entry whose bytes this entry shares. */
  sameAs?: number;
}

export interface ZipFacts {
  method?: number;
  flags?: number;
  zip64?: boolean;
}

/** A checkpoint with a program. */
export function archive(
  program: Uint8Array,
  storages: Record<string, Uint8Array>,
  facts: ZipFacts = {},
): Buffer {
  const data = Object.entries(storages).map(([key, content]) => ({ name: `archive/data/${key}`, content }));
  return storedZip([{ name: 'archive/data.pkl', content: program }, ...data], facts);
}

/** A zip file that is written independently of the project's writer and can contain wrong values. */
export function storedZip(
  entries: readonly ZipEntry[],
  { method = 0, flags = 0, zip64 = false }: ZipFacts = {},
): Buffer {
  const parts: Buffer[] = [];
  const starts: number[] = [];
  const length = (): number => parts.reduce((sum, part) => sum + part.length, 0);
  for (const { name, content, sameAs } of entries) {
    starts.push(sameAs === undefined ? length() : starts[sameAs]);
    if (sameAs !== undefined) continue;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(method, 8);
    local.writeUInt32LE(content.length, 18);
    local.writeUInt32LE(content.length, 22);
    local.writeUInt16LE(name.length, 26);
    parts.push(local, Buffer.from(name), Buffer.from(content));
  }
  const offset = length();
  entries.forEach(({ name, content, claimed, local }, index) => {
    const [size, start] = [claimed ?? content.length, local ?? starts[index]];
    const extra = Buffer.alloc(zip64 ? 28 : 0);
    if (zip64) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      [size, size, start].forEach((value, at) => extra.writeBigUInt64LE(BigInt(value), 4 + at * 8));
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(zip64 ? 0xffffffff : size, 20);
    central.writeUInt32LE(zip64 ? 0xffffffff : size, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(zip64 ? 0xffffffff : start, 42);
    parts.push(central, Buffer.from(name), extra);
  });
  const size = length() - offset;
  if (zip64) parts.push(zip64End(entries.length, size, offset));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : entries.length, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16);
  return Buffer.concat([...parts, end]);
}

function zip64End(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(76);
  record.writeUInt32LE(0x06064b50, 0);
  [count, size, offset].forEach((value, at) => record.writeBigUInt64LE(BigInt(value), 32 + at * 8));
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + size), 64);
  return record;
}
