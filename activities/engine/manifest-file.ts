import { readFile } from 'node:fs/promises';
import { digestOf } from '../../domain/digest.js';
import { SamMilError } from '../../domain/errors.js';
import { parseJsonLines } from '../../domain/json.js';
import { resolveInside } from '../../domain/engine/store/inside.js';
import type { Manifest, ManifestLine } from './stage-messages.js';

/** The last few manifests, by digest: every page of a stage reads the same one. */
const known = new Map<string, ManifestLine[]>();
const KEPT = 4;

/** @throws SamMilError InvalidInput if the manifest is missing or was changed */
export async function readManifest(work: string, { file }: Manifest): Promise<ManifestLine[]> {
  const cached = known.get(file.digest);
  if (cached) return cached;
  const text = await readFile(await resolveInside(work, file.path), 'utf8').catch(() => undefined);
  if (text === undefined || digestOf(text) !== file.digest) {
    throw new SamMilError('InvalidInput', "the list of the stage's items is missing or was changed", {
      file: file.path,
      next: 'start the run again: the list is rebuilt, and finished work is kept',
    });
  }
  const lines = parseJsonLines(text) as ManifestLine[];
  if (known.size >= KEPT) known.delete([...known.keys()][0]);
  known.set(file.digest, lines);
  return lines;
}
