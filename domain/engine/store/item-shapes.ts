import { listOf, objectOf, shapeFault, TEXT } from '../../files/json-record.js';

const OBJECT = { type: 'object' };
const STATUS = { enum: ['done', 'skipped', 'failed'] };

/** Schema of a WireError. */
export const WIRE_ERROR = objectOf({ code: TEXT, what: TEXT, facts: OBJECT });

/** Returns what is wrong with a line of an items file; undefined for an ItemRecord. */
export const itemRecordFault: (value: unknown) => string | undefined = shapeFault(
  objectOf(
    { key: TEXT, fields: OBJECT, status: STATUS, outputs: OBJECT },
    { reason: TEXT, error: WIRE_ERROR },
  ),
);

/** Like {@link itemRecordFault}, for a file that another program wrote: fields and outputs may be absent. */
export const givenItemFault: (value: unknown) => string | undefined = shapeFault(
  objectOf({ key: TEXT, status: STATUS }, { fields: OBJECT, outputs: OBJECT, reason: TEXT }),
);

/** What is wrong with a line of a results file. */
export const itemResultFault: (value: unknown) => string | undefined = shapeFault(
  objectOf(
    {
      index: { type: 'integer', minimum: 0 },
      key: TEXT,
      status: STATUS,
      outputs: OBJECT,
      cached: { type: 'boolean' },
      steps: listOf(TEXT),
    },
    { reason: TEXT, error: WIRE_ERROR, step: TEXT, idle: { const: true } },
  ),
);

/** What is wrong with a line of a manifest. */
export const manifestLineFault: (value: unknown) => string | undefined = shapeFault(
  objectOf({ key: TEXT, fields: OBJECT }, { prior: OBJECT, skip: TEXT }),
);

/**
 * Parses JSON lines of one shape.
 * @throws Error naming the first line that has another shape
 */
export function linesOf<T>(text: string, fault: (value: unknown) => string | undefined): T[] {
  return text.split('\n').flatMap((line, index): T[] => {
    if (line === '') return [];
    const value: unknown = JSON.parse(line);
    const found = fault(value);
    if (found !== undefined) throw new Error(`line ${index + 1}: ${found}`);
    return [value as T];
  });
}
