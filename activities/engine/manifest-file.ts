import { readReferencedText } from '../../domain/engine/store/damaged-output.js';
import { linesOf, manifestLineFault } from '../../domain/engine/store/item-shapes.js';
import type { Manifest, ManifestLine } from './stage-messages.js';

/** The last few manifests, by digest: every page of a stage reads the same one. */
const known = new Map<string, ManifestLine[]>();
const KEPT = 4;

/** @throws SamMilError OutputDamaged if the manifest is missing or was changed */
export async function readManifest(work: string, { file }: Manifest): Promise<ManifestLine[]> {
  const cached = known.get(file.digest);
  if (cached) return cached;
  const lines = linesOf<ManifestLine>(await readReferencedText(work, file), manifestLineFault);
  if (known.size >= KEPT) known.delete([...known.keys()][0]);
  known.set(file.digest, lines);
  return lines;
}
