import { existsSync, readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { SamMilError } from '../../errors.js';
import { decodeImage } from '../slides/images.js';

export const CLASSES = ['normal', 'tumor'] as const;
export type TissueClass = (typeof CLASSES)[number];

/** Side of the labelled patches, pixels. */
export const PATCH_SIDE = 256;

/** A labelled patch of real tissue and where it was cut. */
export interface SourcePatch {
  /** Path below the folder: `tumor/tumor_001_69921_134388.jpg`. */
  file: string;
  label: TissueClass;
  /** The slide it was cut from: `001`. */
  source: string;
  /** Its corner there, in level-0 pixels. */
  x: number;
  y: number;
  /** PATCH_SIDE x PATCH_SIDE RGB. */
  rgb: Uint8Array;
}

/** Patches of one patient need some choice, or their slides would look like wallpaper. */
const LEAST_PATCHES = 7;

/** Patches nearer than this, in either direction, may show the same cells. */
const SAME_TISSUE = 2 * PATCH_SIDE;

/**
 * Reads `<folder>/normal` and `<folder>/tumor`, whose files are named class_slide_x_y. Sorted by file name.
 * Throws `InvalidInput` for a folder that lacks them, a name or a size that does not fit.
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
  throw new SamMilError('InvalidInput', `too few patches of class ${label}`, {
    file: inside,
    expected: `at least ${LEAST_PATCHES} JPEG or PNG files`,
    found: String(names.length),
    next: 'name the folder that holds normal/ and tumor/',
  });
}

async function readPatch(folder: string, label: TissueClass, name: string): Promise<SourcePatch> {
  const file = join(folder, label, name);
  const parts = /_([^_]+)_(\d+)_(\d+)$/.exec(parse(name).name);
  if (parts === null) {
    throw new SamMilError('InvalidInput', 'the name does not say where the patch was cut', {
      file,
      expected: 'class_slide_x_y, such as tumor_001_69921_134388.jpg',
    });
  }
  const { data, width, height } = await decodeImage(file);
  if (width !== PATCH_SIDE || height !== PATCH_SIDE) {
    throw new SamMilError('InvalidInput', 'the patch has another size than the rest', {
      file,
      expected: `${PATCH_SIDE} x ${PATCH_SIDE} pixels`,
      found: `${width} x ${height}`,
    });
  }
  const [, source, x, y] = parts;
  return { file: `${label}/${name}`, label, source, x: Number(x), y: Number(y), rgb: data };
}

/**
 * Deals the patches to at most `wanted` patients, so that no tissue stands in slides of two of them: patches that lie close together go as one.
 * Fewer patients where there are not enough patches for so many.
 */
export function dealToPatients(patches: readonly SourcePatch[], wanted: number): SourcePatch[][] {
  const fewest = Math.min(...CLASSES.map((label) => patches.filter((patch) => patch.label === label).length));
  const patients: SourcePatch[][] = Array.from(
    { length: Math.max(1, Math.min(wanted, Math.floor(fewest / LEAST_PATCHES))) },
    () => [],
  );
  const clusters = clusterByPlace(patches).sort(
    (a, b) => b.length - a.length || (a[0].file < b[0].file ? -1 : 1),
  );
  for (const cluster of clusters) {
    // To whom it helps most: the fewest patches of the cluster's class, then the fewest at all.
    const need = (patient: SourcePatch[]) =>
      patient.filter(({ label }) => label === cluster[0].label).length * 1000 + patient.length;
    patients.reduce((best, patient) => (need(patient) < need(best) ? patient : best)).push(...cluster);
  }
  return patients;
}

/** Groups of patches of one slide, each within SAME_TISSUE of another of its group. */
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
