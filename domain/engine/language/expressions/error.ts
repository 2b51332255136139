import { SamMilError } from '../../../errors.js';

/** Half-open range of UTF-16 offsets in a source text. */
export interface Span {
  start: number;
  end: number;
}

export interface ExpressionErrorDetails {
  hint?: string;
  /** True if the value is missing rather than wrong: `default(value, fallback)` then returns the fallback. */
  missing?: boolean;
}

/**
 * An expression that cannot be parsed or evaluated. Its code is `InvalidInput`: a retry cannot fix it. `span`
 * is relative to the start of `source`, so a caller that knows the position of `source` in a file can place a
 * caret.
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

  /** The same error relative to `text`, in which the source of this error begins at `offset`. */
  within(text: string, offset: number): ExpressionError {
    const span = { start: this.span.start + offset, end: this.span.end + offset };
    return new ExpressionError(this.fault, text, span, { hint: this.hint, missing: this.missing });
  }
}

const EXCERPT = 120;

/** The source, shortened to the part around the error if it is long. */
function excerpt(source: string, span: Span): string {
  if (source.length <= EXCERPT) return source;
  const start = Math.max(0, Math.min(span.start - EXCERPT / 2, source.length - EXCERPT));
  const end = start + EXCERPT;
  return `${start > 0 ? '…' : ''}${source.slice(start, end)}${end < source.length ? '…' : ''}`;
}
