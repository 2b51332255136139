import { closeSync, openSync, writeSync } from 'node:fs';

/** One image of a TIFF, cut into square tiles. */
export interface TiffImage {
  width: number;
  height: number;
  tile: number;
  /** TIFF's number: 1 none, 7 JPEG, 8 deflate. */
  compression: number;
  /** Number (in `blobs`) of the encoded tile of that column and row. */
  tileAt: (column: number, row: number) => number;
  /** 2 RGB (default), 6 YCbCr, 1 gray. */
  photometric?: number;
  samples?: number;
  bits?: number;
  description?: string;
  /** Pixels per centimeter. */
  perCentimeter?: number;
  /** Smaller levels that hang below this image, as in OME-TIFF. */
  subImages?: readonly TiffImage[];
  /** Further entries, or others in place of those that the image has. */
  entries?: readonly TiffEntry[];
}

/** A directory entry: text, 16 or 32 bits, a rational (whole numbers), or 64 bits. */
export type TiffEntry = [tag: number, type: 2 | 3 | 4 | 5 | 16, values: number[] | string];

const TYPE_BYTES = { 2: 1, 3: 2, 4: 4, 5: 8, 16: 8 };

/**
 * A BigTIFF whose tiles are few and shared: an image of 100,000 x 100,000 pixels is a file of a few MB.
 * `images` are its pages, `blobs` the encoded tiles.
 */
export function writeTiff(path: string, images: readonly TiffImage[], blobs: readonly Uint8Array[]): void {
  const file = new TiffFile(path);
  try {
    const places = blobs.map((blob) => [file.append(blob), blob.length] as const);
    file.chain(images.map((image, page) => writeImage(file, image, places, page > 0)));
  } finally {
    file.close();
  }
}

type Places = readonly (readonly [offset: number, bytes: number])[];

/** Position of the directory, and of the next directory's offset in it. */
interface Directory {
  at: number;
  next: number;
}

function writeImage(file: TiffFile, image: TiffImage, places: Places, reduced: boolean): Directory {
  const { width, height, tile, tileAt, samples = 3, bits = 8, photometric = 2 } = image;
  const columns = Math.ceil(width / tile);
  const blobs = Array.from({ length: columns * Math.ceil(height / tile) }, (_, index) =>
    tileAt(index % columns, Math.floor(index / columns)),
  );
  const below = (image.subImages ?? []).map((level) => writeImage(file, level, places, true).at);
  const entries: TiffEntry[] = [
    [254, 4, [reduced ? 1 : 0]],
    [256, 4, [width]],
    [257, 4, [height]],
    [258, 3, Array<number>(samples).fill(bits)],
    [259, 3, [image.compression]],
    [262, 3, [photometric]],
    ...(image.description === undefined ? [] : [[270, 2, image.description] as TiffEntry]),
    [277, 3, [samples]],
    ...(image.perCentimeter === undefined
      ? []
      : ([
          [282, 5, [image.perCentimeter]],
          [283, 5, [image.perCentimeter]],
        ] as TiffEntry[])),
    [284, 3, [1]],
    ...(image.perCentimeter === undefined ? [] : [[296, 3, [3]] as TiffEntry]),
    [322, 4, [tile]],
    [323, 4, [tile]],
    [324, 16, blobs.map((blob) => places[blob][0])],
    [325, 4, blobs.map((blob) => places[blob][1])],
    ...(below.length === 0 ? [] : [[330, 16, below] as TiffEntry]),
    // As in sharp's JPEG: color at half the resolution.
    ...(photometric === 6 ? [[530, 3, [2, 2]] as TiffEntry] : []),
  ];
  const all = new Map([...entries, ...(image.entries ?? [])].map((entry) => [entry[0], entry]));
  return file.directory([...all.values()].sort(([a], [b]) => a - b));
}

class TiffFile {
  private readonly file: number;
  private end = 16;

  constructor(path: string) {
    this.file = openSync(path, 'w');
    const head = Buffer.alloc(16);
    head.write('II');
    head.writeUInt16LE(43, 2);
    head.writeUInt16LE(8, 4);
    writeSync(this.file, head, 0, 16, 0);
  }

  append(bytes: Uint8Array): number {
    this.end = (this.end + 15) & ~15;
    writeSync(this.file, bytes, 0, bytes.length, this.end);
    this.end += bytes.length;
    return this.end - bytes.length;
  }

  directory(entries: readonly TiffEntry[]): Directory {
    const body = Buffer.alloc(8 + entries.length * 20 + 8);
    body.writeBigUInt64LE(BigInt(entries.length), 0);
    entries.forEach(([tag, type, values], index) => {
      const data = encode(type, values);
      const at = 8 + index * 20;
      body.writeUInt16LE(tag, at);
      body.writeUInt16LE(type, at + 2);
      body.writeBigUInt64LE(BigInt(data.length / TYPE_BYTES[type]), at + 4);
      if (data.length <= 8) data.copy(body, at + 12);
      else body.writeBigUInt64LE(BigInt(this.append(data)), at + 12);
    });
    const at = this.append(body);
    return { at, next: at + body.length - 8 };
  }

  /** Each directory after the other, from the header on. */
  chain(pages: readonly Directory[]): void {
    const pointer = Buffer.alloc(8);
    let where = 8;
    for (const { at, next } of pages) {
      pointer.writeBigUInt64LE(BigInt(at));
      writeSync(this.file, pointer, 0, 8, where);
      where = next;
    }
  }

  close(): void {
    closeSync(this.file);
  }
}

function encode(type: TiffEntry[1], values: number[] | string): Buffer {
  if (typeof values === 'string') return Buffer.from(`${values}\0`, 'utf8');
  const bytes = TYPE_BYTES[type];
  const data = Buffer.alloc(values.length * bytes);
  values.forEach((value, index) => {
    if (type === 3) data.writeUInt16LE(value, index * 2);
    else if (type === 4) data.writeUInt32LE(value, index * 4);
    else if (type === 16) data.writeBigUInt64LE(BigInt(value), index * 8);
    else {
      data.writeUInt32LE(Math.round(value * 1000), index * 8);
      data.writeUInt32LE(1000, index * 8 + 4);
    }
  });
  return data;
}
