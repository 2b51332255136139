/**
 * Parses a decimal literal of the text protocols. Returns a number if that is exact, otherwise a bigint.
 * @throws RangeError if the literal is malformed
 */
export function parseInteger(text: string): number | bigint {
  if (!/^[-+]?\d{1,4096}$/.test(text)) throw new RangeError(`has a malformed number "${text.slice(0, 40)}"`);
  return plainInteger(BigInt(text));
}

/** Parses a little-endian two's complement integer of any length. */
export function decodeInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]);
  return plainInteger(BigInt.asIntN(bytes.length * 8, value));
}

export function plainInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Parses a float literal of the text protocols, including `nan`, `inf` and `-inf`.
 * @throws RangeError if the literal is malformed
 */
export function parseFloatLiteral(text: string): number {
  const named = /^([-+]?)(inf|nan)$/.exec(text);
  if (named !== null) return named[2] === 'nan' ? NaN : named[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value))
    throw new RangeError(`has a malformed float "${text.slice(0, 40)}"`);
  return value;
}

/**
 * Parses a Python 2 string literal with its quotes. Each character is one byte.
 * @throws RangeError if the literal is malformed
 */
export function parseStringLiteral(literal: string): string {
  const quote = literal[0];
  if (literal.length < 2 || (quote !== "'" && quote !== '"') || !literal.endsWith(quote)) {
    throw new RangeError('has a malformed string');
  }
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };
  return literal
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([^x0-7]))/g, (_, hex, octal, plain) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex as string, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal as string, 8) & 0xff);
      return named[plain as string] ?? (plain as string);
    });
}

/** Decodes Python's raw-unicode-escape: `\uXXXX` and `\UXXXXXXXX` in latin-1 text. */
export function decodeRawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short, long) => {
    const code = parseInt((short ?? long) as string, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
