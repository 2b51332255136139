import { closeSync, existsSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import { openRegular, readRegular } from '../../regular-file.js';

/**
 * Leading bytes of a DICOM file that contain the series (0020,000E): elements are sorted by tag, and it
 * precedes all large ones.
 */
const DICOM_HEAD = 1 << 16;

/** Marker of DICOM files, independent of their extension. */
const DICOM_MARK = { at: 128, text: 'DICM' } as const;

/**
 * Lists, sorted, the further files of a slide that a digest of its content must cover. MIRAX: the folder
 * named like the .mrxs file. DICOM: the files of the same series in the folder. Hamamatsu VMS and VMU: the
 * files that the index names. Trestle and all others: none.
 * @throws the error of the file system
 */
export function companionFiles(path: string): string[] {
  return [...new Set(companions(path))].filter((file) => file !== path).sort();
}

/**
 * Returns the file to open for a slide folder: the first file of its only DICOM series. Undefined if `path`
 * is not a folder.
 * @throws SamMilError InvalidInput if the folder has no DICOM series or several
 */
export function slideFolderMember(path: string): string | undefined {
  if (!isFolder(path)) return undefined;
  const files = dicomFiles(path).sort();
  const series = new Map<string, string>();
  for (const file of files) {
    const name = readSeries(file);
    if (name !== undefined && !series.has(name)) series.set(name, file);
  }
  const [first] = series.values();
  if (series.size === 1) return first;
  throw new SamMilError(
    'InvalidInput',
    series.size === 0 ? 'the path is a folder, not a slide file' : 'the folder contains several DICOM series',
    {
      file: path,
      expected: 'a slide file, or a folder with the files of one DICOM series',
      found: series.size === 0 ? 'no DICOM series' : `${series.size} series`,
      next: 'specify the slide file: for DICOM, any file of the series; for MIRAX, the .mrxs file next to the folder',
    },
  );
}

/** Errors count as false here; opening the file reports them. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function dicomFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.toUpperCase() !== 'DICOMDIR')
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true && isDicom(file));
}

function isDicom(path: string): boolean {
  const { at, text } = DICOM_MARK;
  return readHead(path, at + text.length).toString('latin1', at) === text;
}

function companions(path: string): string[] {
  switch (extname(path).toLowerCase()) {
    case '.mrxs':
      return filesUnder(path.slice(0, -'.mrxs'.length));
    case '.vms':
    case '.vmu':
      return namedInIndex(path);
    default:
      return isDicom(path) ? sameSeries(path) : [];
  }
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !basename(name).startsWith('.'))
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

function sameSeries(path: string): string[] {
  const series = readSeries(path);
  if (series === undefined) return [];
  return dicomFiles(dirname(path)).filter((file) => readSeries(file) === series);
}

/**
 * Reads the SeriesInstanceUID (0020,000E) in explicit (`UI` and a 16-bit length) or implicit (32-bit length)
 * little-endian form.
 */
function readSeries(path: string): string | undefined {
  const bytes = readHead(path, DICOM_HEAD);
  const at = bytes.indexOf(Buffer.from([0x20, 0x00, 0x0e, 0x00]));
  if (at < 0 || at + 8 > bytes.length) return undefined;
  const explicit = bytes.toString('latin1', at + 4, at + 6) === 'UI';
  const length = explicit ? bytes.readUInt16LE(at + 6) : bytes.readUInt32LE(at + 4);
  return bytes.toString('latin1', at + 8, at + 8 + Math.min(length, 64)).replace(/\0+$/, '');
}

/** Reads the first bytes of a file, fewer if it is shorter. */
function readHead(path: string, length: number): Buffer {
  const head = Buffer.alloc(length);
  const { descriptor } = openRegular(path);
  try {
    return head.subarray(0, readSync(descriptor, head, 0, length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** An index names a few dozen files. */
const INDEX = { bytes: 1 << 20, next: 'check that this is the index file of the slide' };

function namedInIndex(path: string): string[] {
  const folder = dirname(path);
  return readRegular(path, INDEX)
    .toString('latin1')
    .split(/\r?\n/)
    .map((line) => line.slice(line.indexOf('=') + 1).trim())
    .filter((name) => name !== '' && basename(name) === name)
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file) && statSync(file).isFile());
}
