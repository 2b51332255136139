import { isDecimal } from '../../files/decimal.js';
import { visible } from './label-text.js';

/** A cell that is meant to be a number. */
export type NumberCell =
  | { value: number }
  /** `infinite`: larger than numbers can be, or `inf`. */
  | { fault: 'text' | 'infinite' };

/** `1,234` may be 1234 or 1.234. */
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(,\d{3})+$/;

/** Reads a number with a point or a comma as its decimal sign. `1,234` is text. */
export function readNumberCell(cell: string): NumberCell {
  const text = visible(cell);
  if (/^[+-]?inf(inity)?$/i.test(text)) return { fault: 'infinite' };
  const plain = text.replace(',', '.');
  if (THOUSANDS.test(text) || !isDecimal(plain)) return { fault: 'text' };
  const value = Number(plain);
  return Number.isFinite(value) ? { value } : { fault: 'infinite' };
}
