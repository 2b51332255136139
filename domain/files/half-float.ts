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
