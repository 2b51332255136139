import type { AttributeInput } from '../../files/hdf5/h5.js';
import { tridentAttributes, type TridentFacts } from '../layouts/trident.js';
import type { Level0Px } from '../../units.js';

/** Whose folder names and attributes the h5 file of a bag has. The others are the same in both. */
export const BAG_LAYOUTS = ['clam', 'trident'] as const;
export type BagLayout = (typeof BAG_LAYOUTS)[number];

/** What a bag says of its patches and of the encoder that saw them; absent where it is not known. */
export interface BagFacts {
  /** As in CLAM's patches file: side in pixels of a level. */
  patches?: { patchSize: number; patchLevel: number; downsample: readonly [number, number] };
  level0Dim?: readonly [Level0Px, Level0Px];
  /** Slide name as the patches file has it. */
  slideName: string;
  /** `encoder`, `encoder_version`, ... */
  encoder: Readonly<Record<string, string | number>>;
  /** Needed for TRIDENT's layout. */
  trident?: TridentFacts;
}

/** Folder of the h5 file: CLAM's `h5_files`, TRIDENT's `features_<encoder>`. */
export function h5Folder(layout: BagLayout, { encoder }: BagFacts): string {
  if (layout === 'clam') return 'h5_files';
  return `features_${String(encoder.encoder ?? 'unknown').replace(/[^\w.-]+/g, '_')}`;
}

/**
 * Attributes of the datasets `coords` and `features`. CLAM writes none into its bags; in its layout ours are those of its patches files, so that heatmaps
 * need no second file.
 * @param place of the file: the name in it, and its folder, relative to the stage's, so that its bits do not depend on the machine
 */
export function bagAttributes(
  layout: BagLayout,
  facts: BagFacts,
  place: { name: string; folder: string },
): { coords: Record<string, AttributeInput>; features: Record<string, AttributeInput> } {
  const { patches, level0Dim, encoder, trident } = facts;
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
    ...(level0Dim && level0Dim[0] > 0 && { level_dim: levelDimOf(level0Dim, patches?.downsample) }),
    name: facts.slideName,
    ...encoder,
  };
  return { coords, features: {} };
}

/** Size of the patches' level, as CLAM's `level_dim` has it. */
function levelDimOf(
  [width, height]: readonly [Level0Px, Level0Px],
  [x, y]: readonly [number, number] = [1, 1],
): readonly [number, number] {
  return [Math.round(width / x), Math.round(height / y)];
}
