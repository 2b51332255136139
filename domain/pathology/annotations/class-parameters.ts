import type { ValueSchema } from '../../activity-schema.js';

const names = { type: 'array', items: { type: 'string', minLength: 1 } } as const satisfies ValueSchema;

/** How names in `classes` and `exclude-classes` match, for their descriptions. */
const MATCH =
  'A name matches the class of QuPath (also one of the names of a derived class: Tumor matches Tumor: Positive), the group of ASAP and the groups around it, the text or layer of ImageScope, or the name of the object itself; upper and lower case do not matter.';

/** Declares a parameter for classes of an annotation that count. */
export function classesParameter(description: string) {
  return { ...names, minItems: 1, description: `${description} ${MATCH}` } as const satisfies ValueSchema;
}

/** Declares a parameter for classes of an annotation that are cut out. */
export function excludeClassesParameter(description: string) {
  return {
    ...names,
    description: `${description} Matched as in \`classes\`.`,
  } as const satisfies ValueSchema;
}
