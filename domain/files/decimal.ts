/** Whether a text is a decimal number: not hexadecimal, and not empty, which `Number` reads too. */
export function isDecimal(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

/**
 * Reads a whole text as a decimal number. A comma is a decimal point, as OpenSlide reads it, because scanners
 * write numbers in the language of their computer. Undefined for other texts, such as `0.5 pixel`.
 */
export function readDecimal(text: string | undefined): number | undefined {
  const plain = (text ?? '').trim().replace(',', '.');
  return isDecimal(plain) ? Number(plain) : undefined;
}
