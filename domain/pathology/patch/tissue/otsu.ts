/** Minimum weight of a class: FLT_EPSILON of C, as in OpenCV. */
const LEAST_WEIGHT = 2 ** -23;

/**
 * Otsu's threshold of 8-bit values, which maximizes the variance between two classes (N. Otsu, A threshold
 * selection method from gray-level histograms, 1979). Equal to OpenCV, including the order of summation.
 */
export function otsuThreshold(values: Uint8Array): number {
  const histogram = new Float64Array(256);
  for (let i = 0; i < values.length; i++) histogram[values[i]]++;
  const scale = 1 / values.length;
  let mean = 0;
  for (let i = 0; i < 256; i++) mean += i * histogram[i];
  mean *= scale;
  let lowMean = 0;
  let lowWeight = 0;
  let greatest = 0;
  let threshold = 0;
  for (let i = 0; i < 256; i++) {
    const share = histogram[i] * scale;
    lowMean *= lowWeight;
    lowWeight += share;
    const highWeight = 1 - lowWeight;
    if (
      Math.min(lowWeight, highWeight) < LEAST_WEIGHT ||
      Math.max(lowWeight, highWeight) > 1 - LEAST_WEIGHT
    ) {
      continue;
    }
    lowMean = (lowMean + i * share) / lowWeight;
    const highMean = (mean - lowWeight * lowMean) / highWeight;
    const between = lowWeight * highWeight * (lowMean - highMean) * (lowMean - highMean);
    if (between > greatest) {
      greatest = between;
      threshold = i;
    }
  }
  return threshold;
}

/** Sets values above `threshold` to 255 and others to 0, in place. */
export function thresholdInPlace(values: Uint8Array, threshold: number): Uint8Array {
  for (let i = 0; i < values.length; i++) values[i] = values[i] > threshold ? 255 : 0;
  return values;
}
