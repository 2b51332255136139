import type { AttributeInput } from './h5-options.js';
import type { Dtype } from '../tensor.js';

/** The library's names of element types. */
export const formats: Partial<Record<Dtype, string>> = {
  float64: '<d',
  float32: '<f',
  int64: '<q',
  int32: '<i',
  int16: '<h',
  int8: '<b',
  uint64: '<Q',
  uint32: '<I',
  uint16: '<H',
  uint8: '<B',
};

/** An attribute as the library takes it. */
export function attributeParts(value: AttributeInput): { data: unknown; format: string; shape: number[] } {
  if (typeof value === 'string') return { data: value, format: 'S', shape: [] };
  if (typeof value === 'number') {
    return { data: value, format: Number.isSafeInteger(value) ? '<q' : '<d', shape: [] };
  }
  if ('dtype' in value) {
    const { dtype, value: numbers } = value;
    const shape = typeof numbers === 'number' ? [] : [numbers.length];
    return {
      data: typeof numbers === 'number' ? numbers : [...numbers],
      format: formats[dtype] ?? '<d',
      shape,
    };
  }
  const list: readonly (number | string)[] = value;
  const format = list.every((item) => typeof item === 'string')
    ? 'S'
    : list.every((item) => Number.isSafeInteger(item))
      ? '<q'
      : '<d';
  return { data: [...list], format, shape: [list.length] };
}
