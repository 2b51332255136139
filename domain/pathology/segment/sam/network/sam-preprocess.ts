import { Resizer } from '../../../slides/resize.js';

/** Mean and standard deviation of ImageNet for red, green and blue, in 8-bit units. */
const MEAN = [123.675, 116.28, 103.53];
const DEVIATION = [58.395, 57.12, 57.375];

/** Size after resizing the longest side to `imageSize`, rounded half up. */
export function scaledSize(
  width: number,
  height: number,
  imageSize: number,
): { width: number; height: number } {
  const scale = imageSize / Math.max(width, height);
  return { width: Math.floor(width * scale + 0.5), height: Math.floor(height * scale + 0.5) };
}

/**
 * Prepares an image for the encoder of Segment Anything: resizes the longest side to `imageSize` like
 * Pillow's bilinear filter, normalizes each channel, and pads with zeros at the right and bottom.
 *
 * @param rgb height x width x 3, 8 bits
 * @returns 3 x imageSize x imageSize
 */
export function samInput(rgb: Uint8Array, width: number, height: number, imageSize: number): Float32Array {
  const scaled = scaledSize(width, height, imageSize);
  const pixels = new Resizer(width, height, scaled.width, scaled.height, 'bilinear').resize(rgb);
  const input = new Float32Array(3 * imageSize * imageSize);
  MEAN.forEach((mean, channel) => {
    const values = normalized(mean, DEVIATION[channel]);
    for (let y = 0; y < scaled.height; y++) {
      let at = y * scaled.width * 3 + channel;
      const row = (channel * imageSize + y) * imageSize;
      for (let x = 0; x < scaled.width; x++, at += 3) input[row + x] = values[pixels[at]];
    }
  });
  return input;
}

/** Normalizes all 8-bit values in single precision at each step, as torch does. */
function normalized(mean: number, deviation: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => {
    return Math.fround(Math.fround(value - Math.fround(mean)) / Math.fround(deviation));
  });
}

/** Converts points in image pixels (n x 2) to pixel centers in 0 to 1 of the padded square. */
export function samPoints(
  points: Float64Array,
  from: { width: number; height: number },
  scaled: { width: number; height: number },
  imageSize: number,
): Float32Array {
  const across = scaled.width / from.width;
  const down = scaled.height / from.height;
  return Float32Array.from(points, (value, at) => {
    return (value * (at % 2 === 0 ? across : down) + 0.5) / imageSize;
  });
}
