import type { AttributeInput } from '../../files/hdf5/h5.js';
import { tridentAttributes, type TridentFacts } from '../layouts/trident.js';
import type { Level0Px, Mpp } from '../../units.js';

/**
 * The tool whose folder names and attributes the h5 file of a bag follows. The other files are the same in
 * both layouts.
 */
export const BAG_LAYOUTS = ['clam', 'trident'] as const;
export type BagLayout = (typeof BAG_LAYOUTS)[number];

/** What a bag states about its patches and encoder; absent if unknown. */
export interface BagFacts {
  /** As in a patches file of CLAM: side in pixels of a level. */
  patches?: { patchSize: number; patchLevel: number; downsample: readonly [number, number] };
  level0Dim?: readonly [Level0Px, Level0Px];
  /** Slide name as in the patches file. */
  slideName: string;
  /** `encoder`, `encoder_version`, ... */
  encoder: Readonly<Record<string, string | number>>;
  /** µm per pixel of the patches, if known. TRIDENT's layout states the magnification instead. */
  mpp?: Mpp;
  /** Required for TRIDENT's layout. */
  trident?: TridentFacts;
}

/** Folder of the h5 file: `h5_files` for CLAM, `features_<encoder>` for TRIDENT. */
export function h5Folder(layout: BagLayout, { encoder }: BagFacts): string {
  if (layout === 'clam') return 'h5_files';
  return `features_${String(encoder.encoder ?? 'unknown').replace(/[^\w.-]+/g, '_')}`;
}

/**
 * Returns the attributes of the datasets `coords` and `features`. CLAM bags have none; in the CLAM layout,
 * sam-mil writes those of CLAM's patches files, so that heatmaps need no second file.
 * @param place name and folder to state in the file; the folder is relative to the stage folder, so that the
 * bits do not depend on the machine
 */
export function bagAttributes(
  layout: BagLayout,
  facts: BagFacts,
  place: { name: string; folder: string },
): { coords: Record<string, AttributeInput>; features: Record<string, AttributeInput> } {
  const { patches, level0Dim, encoder, mpp, trident } = facts;
  if (layout === 'trident' && trident) {
    const coords = { ...tridentAttributes(trident, { ...place, level0Dim }), ...encoder };
    return {
      coords,
      features: { name: place.name, savetodir: place.folder, encoder: encoder.encoder ?? 'None' },
    };
  }
  const coords = {
    ...(patches && {
      patch_size: patches.patchSize,
      patch_level: patches.patchLevel,
      downsample: { dtype: 'float64' as const, value: patches.downsample },
    }),
    ...(level0Dim && level0Dim[0] > 0 && { level_dim: computeLevelDim(level0Dim, patches?.downsample) }),
    name: facts.slideName,
    ...(mpp !== undefined && { patch_mpp: mpp }),
    ...encoder,
  };
  return { coords, features: {} };
}

/** Size of the patch level, as in CLAM's `level_dim`. */
function computeLevelDim(
  [width, height]: readonly [Level0Px, Level0Px],
  [x, y]: readonly [number, number] = [1, 1],
): readonly [number, number] {
  return [Math.round(width / x), Math.round(height / y)];
}
