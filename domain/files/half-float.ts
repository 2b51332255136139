/** Element types in which float32 values are stored. */
export const STORED_FLOATS = ['float32', 'float16'] as const;
export type StoredFloat = (typeof STORED_FLOATS)[number];

/** Float32 values as they are stored: unchanged, or rounded to the bits of half floats. */
export function storedFloats(values: Float32Array, dtype: StoredFloat): Float32Array | Uint16Array {
  return dtype === 'float16' ? float16FromFloat32(values) : values;
}

/** Finite float32 values of this magnitude or more are infinite as half floats, whose largest is 65504. */
export const FLOAT16_LIMIT = 65520;

/** Converts IEEE 754 binary16 bits to float32 values. Exact: float32 can represent every half float. */
export function float32FromFloat16(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  const words = new Uint32Array(result.buffer);
  for (let index = 0; index < bits.length; index++) words[index] = widenedHalf(bits[index]);
  return result;
}

/** Converts bfloat16 bits to float32 values. Exact: a bfloat16 is the upper half of a float32. */
export function float32FromBfloat16(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  const words = new Uint32Array(result.buffer);
  for (let index = 0; index < bits.length; index++) words[index] = bits[index] << 16;
  return result;
}

function widenedHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half float: shift its leading one to the hidden bit. The exponent range of float32 suffices.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/**
 * Rounds float32 values to the nearest IEEE 754 binary16, ties to even, and returns its bits. Values beyond
 * 65504 become infinite.
 */
export function float16FromFloat32(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) result[index] = narrowedHalf(words[index]);
  return result;
}

/** Rounds float32 values to the nearest bfloat16, ties to even, and returns its bits. */
export function bfloat16FromFloat32(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    result[index] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return result;
}

function narrowedHalf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  // From 2^-14, the smallest normal half float. The exponent is rebased after rounding off 13 bits.
  if (magnitude >= 0x38800000)
    return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13);
  // Up to 2^-25, half of the smallest subnormal.
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const quotient = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (quotient + (rest > middle || (rest === middle && (quotient & 1) === 1) ? 1 : 0));
}
