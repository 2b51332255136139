import { isJsonObject, type Json } from '../../../json.js';

const KINDS = [
  ['counted', 'lesion'],
  ['cut-out', 'cut out'],
  ['left-out', 'not counted'],
] as const;

/** Says which classes of an annotation counted: `lesion: Tumor (2); not counted: Stroma (1)`. */
export function describeAnnotated(annotated: Json | undefined): string | null {
  if (annotated === undefined || !isJsonObject(annotated)) return null;
  const parts = KINDS.flatMap(([kind, says]) => {
    const classes = annotated[kind];
    if (classes === undefined || !isJsonObject(classes)) return [];
    const counts = Object.entries(classes).map(([name, count]) => `${name} (${JSON.stringify(count)})`);
    return [`${says}: ${counts.join(', ')}`];
  });
  return annotated.counted === undefined ? ['no lesion', ...parts].join('; ') : parts.join('; ');
}
