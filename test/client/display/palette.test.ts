import assert from 'node:assert/strict';
import { test } from 'node:test';

const before = process.env.FORCE_COLOR;
process.env.FORCE_COLOR = '1';
delete process.env.NO_COLOR;
const { paletteFor } = await import('../../../client/display/display.js');

const colored = paletteFor({ isTTY: true });

/** Relative luminance of a color of the 6 x 6 x 6 cube, after WCAG 2. */
function luminance(index: number): number {
  const [r, g, b] = [36, 6, 1].map(
    (step) => [0, 95, 135, 175, 215, 255][Math.floor((index - 16) / step) % 6],
  );
  const linear = (value: number) =>
    value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

for (const name of ['yellow', 'green', 'cyan'] as const) {
  test(`${name} can be read on a white and on a black terminal`, () => {
    const index = Number(/38;5;(\d+)m/.exec(colored[name]('text'))?.[1]);
    assert.ok(1.05 / (luminance(index) + 0.05) >= 4, 'contrast to white');
    assert.ok((luminance(index) + 0.05) / 0.05 >= 4, 'contrast to black');
  });
}

test('a pipe gets no colors', () => {
  if (before === undefined) delete process.env.FORCE_COLOR;
  else process.env.FORCE_COLOR = before;
  if (before === undefined) assert.equal(paletteFor({ isTTY: false }).yellow('text'), 'text');
});
