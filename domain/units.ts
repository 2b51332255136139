/** Branded numbers, so that a length in level-0 pixels cannot be passed as micrometers. */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]?: Name };

/**
 * Pixels of level 0, the full-resolution coordinate frame. Every coordinate in the project uses it unless
 * stated otherwise.
 */
export type Level0Px = Unit<'level-0 pixel'>;
/** Micrometers per pixel at level 0. */
export type Mpp = Unit<'micrometer per pixel'>;
