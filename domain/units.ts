/** Branded numbers: a length in level-0 pixels can't be passed where micrometres are wanted. */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]?: Name };

/** Pixels of level 0, the full-resolution frame that every coordinate of the project is in unless it says otherwise. */
export type Level0Px = Unit<'level-0 pixel'>;
/** Micrometres per pixel at level 0. */
export type Mpp = Unit<'micrometre per pixel'>;
