import type { Contest, Limit } from '../compare.js';

/** Reading and writing files. */
export const contests: (Contest | Limit)[] = [];
