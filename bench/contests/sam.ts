import type { Contest, Limit } from '../compare.js';

/** Segments and group features. */
export const contests: (Contest | Limit)[] = [];
