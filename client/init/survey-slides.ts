import { type Dirent, readdirSync, statSync } from 'node:fs';
import { dirname, extname, join, parse, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { readCsv } from '../../domain/files/csv.js';

/**
 * Extensions of slide files. Not .dcm: a DICOM series is one slide in many files, and each file would become
 * an item.
 */
const SLIDES = new Set(
  ['svs', 'svslide', 'tif', 'tiff', 'ndpi', 'mrxs', 'scn', 'bif', 'vms', 'vmu', 'czi'].map(
    (ext) => `.${ext}`,
  ),
);
const PICTURES = new Set(['.png', '.jpg', '.jpeg']);

/** Deeper folders are not searched. */
const DEPTH = 4;

/** What a folder of slides, or a table of them, holds. */
export interface SlideSource {
  /** Absolute. */
  path: string;
  kind: 'folder' | 'table';
  /** Names of the slides, sorted. */
  keys: string[];
  /** Of a folder: the files below it that are slides, as a pattern such as `*.{svs,SVS}`. */
  pattern: string;
  /** How many files have each extension. */
  extensions: Map<string, number>;
}

/**
 * Looks at a folder of slides, or at a CSV table with the columns `slide_id` and `path`.
 * @throws SamMilError InvalidInput if it holds no slides, or two of the same name
 */
export function surveySlides(path: string): SlideSource {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new SamMilError('InvalidInput', 'the folder of the slides does not exist', { file: path });
  const source = found.isDirectory() ? surveyFolder(resolve(path)) : surveyTable(resolve(path));
  const twice = source.keys.find((key, i) => source.keys[i - 1] === key);
  if (twice === undefined) return source;
  throw new SamMilError('InvalidInput', `two slides have the name "${twice}"`, {
    file: path,
    expected: 'names that differ in more than the folder and the extension',
    next: 'rename one of them, or give a CSV table with a slide_id and the path of each slide',
  });
}

function surveyFolder(path: string): SlideSource {
  const files = filesBelow(path, DEPTH);
  const slides = files.filter((file) => SLIDES.has(extname(file).toLowerCase()));
  const chosen =
    slides.length > 0 ? slides : files.filter((file) => PICTURES.has(extname(file).toLowerCase()));
  if (chosen.length === 0) {
    throw new SamMilError('InvalidInput', 'the folder holds no slides', {
      file: path,
      expected: `files with one of the extensions ${[...SLIDES, ...PICTURES].join(' ')}`,
      next: 'for DICOM, and for features instead of slides, start from pipelines/preprocess.yaml or pipelines/convert.yaml',
    });
  }
  const extensions = new Map<string, number>();
  for (const file of chosen) extensions.set(extname(file), (extensions.get(extname(file)) ?? 0) + 1);
  const names = [...extensions.keys()].map((extension) => extension.slice(1)).sort();
  const ending = names.length === 1 ? names[0] : `{${names.join(',')}}`;
  const pattern = `${chosen.every((file) => dirname(file) === path) ? '' : '**/'}*.${ending}`;
  return { path, kind: 'folder', keys: chosen.map((file) => parse(file).name).sort(), pattern, extensions };
}

function surveyTable(path: string): SlideSource {
  const { rows } = readCsv(path, { header: true, required: ['slide_id', 'path'] });
  const extensions = new Map<string, number>();
  for (const { values } of rows) {
    const extension = extname(values.path);
    extensions.set(extension, (extensions.get(extension) ?? 0) + 1);
  }
  const keys = rows.map(({ values }) => values.slide_id).sort();
  return { path, kind: 'table', keys, pattern: '', extensions };
}

/** Folders at and below this one that hold slides themselves, those with the most slides first. */
export function findSlideFolders(folder: string): string[] {
  const counts = new Map<string, number>();
  for (const file of filesBelow(folder, 2)) {
    if (SLIDES.has(extname(file).toLowerCase()))
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a).map(([path]) => path);
}

/** CSV files in these folders, sorted by name. */
export function findTables(folders: readonly string[]): string[] {
  return [...new Set(folders)].flatMap((folder) =>
    filesBelow(folder, 0).filter((file) => extname(file).toLowerCase() === '.csv'),
  );
}

/** Hidden folders, and those that hold programs or results, are left out. */
function filesBelow(folder: string, depth: number): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    const skipped =
      depth === 0 || entry.name.startsWith('.') || ['node_modules', 'work'].includes(entry.name);
    return skipped ? [] : filesBelow(path, depth - 1);
  });
}

/** A folder that cannot be read counts as empty: what is missed is seen in the number of slides. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
