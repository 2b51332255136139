import { existsSync, readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { SamMilError } from '../../errors.js';
import { decodeImage } from '../slides/images.js';

export const CLASSES = ['normal', 'tumor'] as const;
export type TissueClass = (typeof CLASSES)[number];

/** Side of the labeled patches, pixels. */
export const PATCH_SIDE = 256;

/** A labeled patch of real tissue and its position in the source slide. */
export interface SourcePatch {
  /** Path relative to the folder, such as `tumor/tumor_001_69921_134388.jpg`. */
  file: string;
  label: TissueClass;
  /** Source slide, such as `001`. */
  source: string;
  /** Top-left corner in the source slide, in level-0 pixels. */
  x: number;
  y: number;
  /** PATCH_SIDE x PATCH_SIDE RGB. */
  rgb: Uint8Array;
}

/** Minimum number of patches per patient and class; with fewer, the slides would look like wallpaper. */
const LEAST_PATCHES = 7;

/** Patches nearer than this, in either direction, may show the same cells. */
const SAME_TISSUE = 2 * PATCH_SIDE;

/**
 * Reads `<folder>/normal` and `<folder>/tumor`, whose files are named class_slide_x_y. Returns them sorted by
 * file name.
 * @throws SamMilError InvalidInput if a folder lacks patches, or a name or size is invalid
 */
export async function readSourcePatches(folder: string): Promise<SourcePatch[]> {
  const patches: SourcePatch[] = [];
  for (const label of CLASSES) {
    for (const name of imagesIn(folder, label)) patches.push(await readPatch(folder, label, name));
  }
  return patches;
}

function imagesIn(folder: string, label: TissueClass): string[] {
  const inside = join(folder, label);
  const names = existsSync(inside) ? readdirSync(inside).filter((name) => /\.(jpe?g|png)$/i.test(name)) : [];
  if (names.length >= LEAST_PATCHES) return names.sort();
  throw new SamMilError('InvalidInput', `there are too few patches of class ${label}`, {
    file: inside,
    expected: `at least ${LEAST_PATCHES} JPEG or PNG files`,
    found: String(names.length),
    next: 'specify the folder that contains normal/ and tumor/',
  });
}

async function readPatch(folder: string, label: TissueClass, name: string): Promise<SourcePatch> {
  const file = join(folder, label, name);
  const parts = /_([^_]+)_(\d+)_(\d+)$/.exec(parse(name).name);
  if (parts === null) {
    throw new SamMilError('InvalidInput', 'the file name does not state the position of the patch', {
      file,
      expected: 'class_slide_x_y, such as tumor_001_69921_134388.jpg',
    });
  }
  const { data, width, height } = await decodeImage(file);
  if (width !== PATCH_SIDE || height !== PATCH_SIDE) {
    throw new SamMilError('InvalidInput', 'the patch has the wrong size', {
      file,
      expected: `${PATCH_SIDE} x ${PATCH_SIDE} pixels`,
      found: `${width} x ${height}`,
    });
  }
  const [, source, x, y] = parts;
  return { file: `${label}/${name}`, label, source, x: Number(x), y: Number(y), rgb: data };
}

/**
 * Distributes the patches to at most `requested` patients so that no tissue appears in slides of two
 * patients: patches that lie close together stay together. With too few patches, there are fewer patients.
 */
export function dealToPatients(patches: readonly SourcePatch[], requested: number): SourcePatch[][] {
  const fewest = Math.min(...CLASSES.map((label) => patches.filter((patch) => patch.label === label).length));
  const patients: SourcePatch[][] = Array.from(
    { length: Math.max(1, Math.min(requested, Math.floor(fewest / LEAST_PATCHES))) },
    () => [],
  );
  const clusters = clusterByPlace(patches).sort(
    (a, b) => b.length - a.length || (a[0].file < b[0].file ? -1 : 1),
  );
  for (const cluster of clusters) {
    // Assign to the patient with the fewest patches of the cluster's class, then the fewest in total.
    const need = (patient: SourcePatch[]) =>
      patient.filter(({ label }) => label === cluster[0].label).length * 1000 + patient.length;
    patients.reduce((best, patient) => (need(patient) < need(best) ? patient : best)).push(...cluster);
  }
  return patients;
}

/** Clusters the patches of each slide so that each is within SAME_TISSUE of another in its cluster. */
function clusterByPlace(patches: readonly SourcePatch[]): SourcePatch[][] {
  const clusters: SourcePatch[][] = [];
  for (const patch of patches) {
    const near = clusters.filter((cluster) => cluster.some((other) => areClose(patch, other)));
    for (const cluster of near) clusters.splice(clusters.indexOf(cluster), 1);
    clusters.push([patch, ...near.flat()]);
  }
  return clusters;
}

function areClose(a: SourcePatch, b: SourcePatch): boolean {
  return a.source === b.source && Math.abs(a.x - b.x) < SAME_TISSUE && Math.abs(a.y - b.y) < SAME_TISSUE;
}
