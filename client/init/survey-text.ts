import { plural } from '../display/render-text.js';
import type { LabelSource } from './survey-labels.js';
import type { SlideSource } from './survey-slides.js';

/** `24 slides: 24 .svs`. */
export function slidesText({ keys, extensions }: SlideSource): string {
  const kinds = [...extensions].map(([extension, count]) => `${count} ${extension || 'without extension'}`);
  return `${plural(keys.length, 'slide')}: ${kinds.join(', ')}`;
}

/** Classes, patients and slides without a label, one line each. */
export function labelLines({ classes, counts, patients, match, unmatched }: LabelSource): string[] {
  const sizes = classes.map((name, i) => `${name} ${counts[i]}`).join(', ');
  const positive = classes.length === 2 ? `; "${classes[1]}" is the positive class` : '';
  const groups = patients === undefined ? '' : `; ${plural(patients, 'patient')}`;
  const few = unmatched.slice(0, 3).map(({ name, reason }) => `${name} (${reason})`);
  const more = unmatched.length > 3 ? `, and ${unmatched.length - 3} more` : '';
  return [
    `${classes.length} classes: ${sizes}${groups}${positive}`,
    ...(match === 'contains'
      ? ['the rows name patients: the name is part of the names of their slides']
      : []),
    ...(unmatched.length === 0 ? [] : [`left out: ${few.join(', ')}${more}`]),
  ];
}
