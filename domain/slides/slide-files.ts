import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative } from 'node:path';
import { SamMilError } from '../errors.js';
import type { Json, JsonObject } from '../json.js';

/** DICOM sorts its elements by tag, and the series' (0020,000E) comes before anything large. */
const DICOM_HEAD = 1 << 16;

/**
 * All files that a slide consists of, sorted, the named one among them: what a digest of the slide's content must cover.
 * MIRAX: the folder named like the .mrxs file. DICOM: the .dcm files of the folder that belong to the same series. Hamamatsu VMS and VMU: the
 * files that the index names. Trestle and all others: the file alone. Throws the file system's own error.
 */
export function slideFiles(given: string): string[] {
  const path = slideFolderMember(given) ?? given;
  return [...new Set([path, ...companions(path)])].sort();
}

/**
 * The file to open for a slide that is given as a folder: the first .dcm file of the one DICOM series in it. Undefined where `path` is no folder.
 * Throws `InvalidInput` where the folder holds no series, or several.
 */
export function slideFolderMember(path: string): string | undefined {
  if (!isFolder(path)) return undefined;
  const files = dicomFiles(path).sort();
  const series = new Map<string, string>();
  for (const file of files) {
    const name = seriesOf(file);
    if (name !== undefined && !series.has(name)) series.set(name, file);
  }
  const [first] = series.values();
  if (series.size === 1) return first;
  throw new SamMilError(
    'InvalidInput',
    series.size === 0 ? 'this is a folder, not a slide file' : 'the folder holds several DICOM series',
    {
      file: path,
      expected: 'a slide file, or a folder with the .dcm files of one DICOM series',
      found: series.size === 0 ? `${files.length} .dcm files with a series` : `${series.size} series`,
      next: 'name the slide file itself; for a DICOM slide any one .dcm file of its series, for MIRAX the .mrxs file next to the folder',
    },
  );
}

/** Whatever keeps one from looking is met, and told, where the file is opened. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function dicomFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => extname(name).toLowerCase() === '.dcm')
    .map((name) => join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

function companions(path: string): string[] {
  switch (extname(path).toLowerCase()) {
    case '.mrxs':
      return filesUnder(path.slice(0, -'.mrxs'.length));
    case '.dcm':
      return sameSeries(path);
    case '.vms':
    case '.vmu':
      return namedInIndex(path);
    default:
      return [];
  }
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

function sameSeries(path: string): string[] {
  const series = seriesOf(path);
  if (series === undefined) return [];
  return dicomFiles(dirname(path)).filter((file) => seriesOf(file) === series);
}

/** SeriesInstanceUID (0020,000E), found by its tag in explicit (`UI` and a 16-bit length) or implicit (32-bit length) little-endian form. */
function seriesOf(path: string): string | undefined {
  const head = Buffer.alloc(DICOM_HEAD);
  const file = openSync(path, 'r');
  try {
    const bytes = head.subarray(0, readSync(file, head, 0, head.length, 0));
    const at = bytes.indexOf(Buffer.from([0x20, 0x00, 0x0e, 0x00]));
    if (at < 0) return undefined;
    const explicit = bytes.toString('latin1', at + 4, at + 6) === 'UI';
    const length = explicit ? bytes.readUInt16LE(at + 6) : bytes.readUInt32LE(at + 4);
    return bytes.toString('latin1', at + 8, at + 8 + Math.min(length, 64)).replace(/\0+$/, '');
  } finally {
    closeSync(file);
  }
}

function namedInIndex(path: string): string[] {
  const folder = dirname(path);
  return readFileSync(path, 'latin1')
    .split(/\r?\n/)
    .map((line) => line.slice(line.indexOf('=') + 1).trim())
    .filter((name) => name !== '' && basename(name) === name)
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file) && statSync(file).isFile());
}

/**
 * For the cache key of an activity that takes a slide: name and size of each further file the slide consists of, by `with`'s value for
 * it. Empty for slides of one file and for values that are no absolute path (outputs of earlier steps are single files). Never throws: a slide
 * that can't be read is refused by the activity itself.
 */
export function companionsOf(slide: Json | undefined): JsonObject {
  if (typeof slide !== 'string' || !isAbsolute(slide)) return {};
  try {
    const sizes = slideFiles(slide)
      .filter((file) => file !== slide)
      .map((file): [string, number] => [relative(dirname(slide), file), statSync(file).size]);
    return Object.fromEntries(sizes);
  } catch {
    return {};
  }
}
