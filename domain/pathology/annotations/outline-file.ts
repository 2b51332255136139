import { readdirSync, statSync } from 'node:fs';
import { basename, join, parse } from 'node:path';
import { digestOf } from '../../digest.js';
import type { ReadPart } from '../../engine/store/read-part.js';
import type { ReadingStep } from '../../engine/store/reading-step.js';
import { SamMilError } from '../../errors.js';
import { readOutlineText } from './read-annotation.js';

const EXTENSIONS = ['.geojson', '.json', '.xml'];

/** Files with outlines in a folder, by the name without extension. */
export type OutlineFolder = ReadonlyMap<string, readonly string[]>;

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

export function listOutlines(folder: string): OutlineFolder {
  const files = new Map<string, string[]>();
  for (const file of readdirSync(folder).sort()) {
    const { name, ext } = parse(file);
    if (file.startsWith('.') || !EXTENSIONS.includes(ext.toLowerCase())) continue;
    const stem = name.normalize('NFC');
    files.set(stem, [...(files.get(stem) ?? []), file]);
  }
  return files;
}

/**
 * Finds the file of a slide in a folder of outlines: named after the item or the slide file, with or without
 * the extension of the slide. Undefined if there is none.
 * @throws SamMilError InvalidInput if there are several
 */
export function findOutline(
  folder: string,
  outlines: OutlineFolder,
  item: string,
  slide: string | undefined,
): string | undefined {
  const names = slide === undefined ? [item] : [item, basename(slide), parse(slide).name];
  const found = [...new Set(names.map((name) => name.normalize('NFC')))].flatMap(
    (name) => outlines.get(name) ?? [],
  );
  if (found.length <= 1) return found.at(0);
  throw new SamMilError('InvalidInput', `the folder has several files for the slide "${item}"`, {
    file: folder,
    expected: 'one file per slide',
    found: found.join(', '),
    next: 'remove or rename all but one',
  });
}

/**
 * The parts that a step reads of parameters that are folders of outlines: the file of its slide only, so that
 * a corrected outline changes the key of that slide alone. For a slide without a file, the parameter counts
 * as not given.
 */
export function partsOfFolders(
  { inputs, name }: Pick<ReadingStep, 'inputs' | 'name'>,
  parameters: readonly string[],
): Record<string, ReadPart> {
  const parts: Record<string, ReadPart> = {};
  for (const parameter of parameters) {
    const folder = inputs[parameter]?.path;
    if (folder === undefined || !isFolder(folder)) continue;
    const file = findOutline(folder, listOutlines(folder), name, inputs.slide?.path);
    parts[parameter] =
      file === undefined ? { text: '', covers: {}, absent: true } : partOfFile(join(folder, file));
  }
  return parts;
}

function partOfFile(path: string): ReadPart {
  const text = readOutlineText(path);
  const name = basename(path);
  return { text, covers: { [`outlines ${name}`]: digestOf(text) }, name };
}
