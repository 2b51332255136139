/** Where a loss writes its gradient. Double precision for reference, single precision for a step. */
export type Gradient = Float32Array | Float64Array;
