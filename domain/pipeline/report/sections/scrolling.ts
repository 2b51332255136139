import { html, type Markup } from '../data/html.js';

/** Attributes of the frame of a wide table: it scrolls, also by keyboard, and screen readers announce it. */
export function scrolling(label: string, tall = false): Markup {
  return html`class="scroll${tall && ' tall'}" tabindex="0" role="region" aria-label="${label}"`;
}
