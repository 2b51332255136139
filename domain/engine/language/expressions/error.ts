import { SamMilError } from '../../../errors.js';

/** Half-open range of UTF-16 offsets in the text an error is about. */
export interface Span {
  start: number;
  end: number;
}

export interface ExpressionErrorDetails {
  hint?: string;
  /** The value is absent rather than wrong: what `default(value, fallback)` forgives. */
  missing?: boolean;
}

/**
 * An expression that cannot be read or evaluated. A kind of `InvalidInput`: a retry cannot mend it.
 * `span` counts from the start of `source`, so a caller that knows where `source` lies in a file can place a caret.
 */
export class ExpressionError extends SamMilError {
  /** What is wrong, without the expression. */
  readonly fault: string;
  readonly source: string;
  readonly span: Span;
  readonly hint: string | undefined;
  readonly missing: boolean;

  constructor(fault: string, source: string, span: Span, details: ExpressionErrorDetails = {}) {
    super('InvalidInput', `${fault} (in the expression \`${excerpt(source, span)}\`)`, {
      next: details.hint,
    });
    this.fault = fault;
    this.source = source;
    this.span = span;
    this.hint = details.hint;
    this.missing = details.missing ?? false;
  }

  /** The same error, seen from a text in which this one's source begins at `offset`. */
  within(text: string, offset: number): ExpressionError {
    const span = { start: this.span.start + offset, end: this.span.end + offset };
    return new ExpressionError(this.fault, text, span, { hint: this.hint, missing: this.missing });
  }
}

const EXCERPT = 120;

/** The source, or the part around the error where the source is long. */
function excerpt(source: string, span: Span): string {
  if (source.length <= EXCERPT) return source;
  const start = Math.max(0, Math.min(span.start - EXCERPT / 2, source.length - EXCERPT));
  const end = start + EXCERPT;
  return `${start > 0 ? '…' : ''}${source.slice(start, end)}${end < source.length ? '…' : ''}`;
}
