/** Arithmetic of an encoder. */
export const PRECISIONS = ['fp32', 'fp16', 'bf16'] as const;

export type Precision = (typeof PRECISIONS)[number];
