import type { Contest, Limit } from '../compare.js';

/** Encoding patches. */
export const contests: (Contest | Limit)[] = [];
