export const GLYPH_WIDTH = 3;
export const GLYPH_HEIGHT = 5;

/**
 * Characters of 3 x 5 dots, drawn without a font so that pictures have the same bits on every machine: one
 * octal digit per row, of which the highest bit is the left dot.
 */
const GLYPHS: Readonly<Record<string, string>> = {
  0: '75557',
  1: '26227',
  2: '71747',
  3: '71717',
  4: '55711',
  5: '74717',
  6: '74757',
  7: '71111',
  8: '75757',
  9: '75717',
  ' ': '00000',
  A: '25755',
  B: '65656',
  C: '34443',
  D: '65556',
  E: '74647',
  F: '74644',
  G: '34553',
  H: '55755',
  I: '72227',
  J: '11152',
  K: '55655',
  L: '44447',
  M: '57755',
  N: '65555',
  O: '25552',
  P: '65644',
  Q: '25573',
  R: '65655',
  S: '34216',
  T: '72222',
  U: '55557',
  V: '55552',
  W: '55775',
  X: '55255',
  Y: '55222',
  Z: '71247',
};

/** Lists the dots (column, row) of a digit, a capital letter or a space. Others have none. */
export function glyphDots(character: string): [x: number, y: number][] {
  const rows = GLYPHS[character] ?? '00000';
  return [...rows].flatMap((octal, y) =>
    [0, 1, 2]
      .filter((x) => (Number(octal) >> (GLYPH_WIDTH - 1 - x)) & 1)
      .map((x): [number, number] => [x, y]),
  );
}
