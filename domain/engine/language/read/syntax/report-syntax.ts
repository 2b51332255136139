import { isCollection, isScalar, parseDocument, visit } from 'yaml';
import type { Document, ParseOptions, DocumentOptions, SchemaOptions, YAMLError } from 'yaml';
import { LineIndex } from '../../problems/line-index.js';
import type { ProblemCode } from '../../problems/problem-codes.js';
import type { ProblemList } from '../../problems/problems.js';
import { certainFault } from './certain-faults.js';
import { diagnose, type Readable } from './diagnose.js';

export const YAML_OPTIONS: ParseOptions & DocumentOptions & SchemaOptions = {
  prettyErrors: false,
  uniqueKeys: false,
  version: '1.2',
  schema: 'core',
};

const SYNTAX: Partial<Record<YAMLError['code'], [code: ProblemCode, message?: string, hint?: string]>> = {
  TAB_AS_INDENT: ['tab-indent', 'tabs cannot be used for indentation', 'indent with spaces'],
  MULTIPLE_DOCS: [
    'multiple-documents',
    'the file contains more than one document',
    'a file contains one pipeline: remove the `---` and everything after it',
  ],
  RESOURCE_EXHAUSTION: ['too-deep', 'values are nested too deeply'],
};

/**
 * Reports why a text is not YAML: one problem, because the first mistake misleads the parser about everything
 * after it.
 *
 * @param faultsOf counts the faults in a text that can be read
 */
export function reportSyntax(
  document: Document.Parsed,
  text: string,
  problems: ProblemList,
  faultsOf: (text: string) => number,
): void {
  const lines = new LineIndex(text);
  const error = firstOf(document.errors);
  const [code, description = inPlainWords(error.message), hint] = SYNTAX[error.code] ?? ['yaml-syntax'];
  const certain = certainFault(text);
  if (certain) {
    const place = { line: certain.line + 1, column: certain.column + 1, length: certain.length };
    problems.error(certain.code, place, certain.message, certain.hint);
    return;
  }
  const unclosed = /^Missing closing .*quote/.test(error.message);
  const opened = unclosed ? openQuote(document, error.pos[0]) : undefined;
  // The end of the file cannot be marked, so mark the last visible character.
  const at = opened ?? Math.min(error.pos[0], Math.max(0, text.trimEnd().length - 1));
  const found = code === 'yaml-syntax' ? searched(document, text, at, lines, faultsOf) : undefined;
  if (found) {
    problems.error(
      code,
      { line: found.line + 1, column: found.column + 1, length: 1 },
      found.message,
      found.hint,
    );
    return;
  }
  problems.error(
    code,
    { ...lines.position(at), length: 1 },
    unclosed ? 'this quote is not closed' : description,
    hint,
  );
}

function searched(
  document: Document.Parsed,
  text: string,
  at: number,
  lines: LineIndex,
  faultsOf: (text: string) => number,
): ReturnType<typeof diagnose> {
  const places = [at, ...enclosing(document, at)].map((offset) => lines.position(offset).line - 1);
  const noticed = lines.position(firstOf(document.errors).pos[0]).line - 1;
  return diagnose(text, noticed, places, (changed): Readable => {
    const { errors } = parseDocument(changed, YAML_OPTIONS);
    if (errors.length === 0) return { line: Infinity, faults: faultsOf(changed) };
    return { line: new LineIndex(changed).position(firstOf(errors).pos[0]).line - 1, faults: 0 };
  });
}

function firstOf(errors: readonly YAMLError[]): YAMLError {
  return errors.reduce((first, error) => (error.pos[0] < first.pos[0] ? error : first));
}

/** Start of the quoted text that is still open at `end`. */
function openQuote(document: Document.Parsed, end: number): number | undefined {
  let start: number | undefined;
  visit(document, {
    Scalar(_, { range, type }) {
      const quoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
      if (quoted && range && range[0] < end && range[1] >= end) start = range[0];
    },
  });
  return start;
}

/** Starts of the innermost bracket and of the innermost text over several lines that end at or after `at`. */
function enclosing(document: Document.Parsed, at: number): number[] {
  const starts: number[] = [];
  visit(document, {
    Node(_, node) {
      if (!node.range || node.range[0] >= at || node.range[2] < at) return;
      if ((isCollection(node) && node.flow) || (isScalar(node) && node.type?.startsWith('QUOTE')))
        starts.push(node.range[0]);
    },
  });
  return starts.slice(-3).reverse();
}

/** Replaces the terms of the YAML parser where they are not commonly known. */
function inPlainWords(message: string): string {
  const bracket = /^Flow (?:map|sequence) .*must .*end with a ([\]}])/.exec(message)?.[1];
  if (bracket !== undefined) return `the closing ${bracket} is missing or not indented far enough`;
  if (message.startsWith('All mapping items must start'))
    return 'all keys of a mapping must start in the same column';
  if (message.startsWith('All sequence items must start'))
    return 'all `-` of a list must start in the same column';
  if (message.startsWith('Implicit keys need to be')) return 'this line is not of the form `key: value`';
  if (message.startsWith('Nested mappings are not allowed'))
    return 'a text that contains a colon and a space must be in quotes, or the indentation is wrong';
  return /^[A-Z][a-z]/.test(message) ? message[0].toLowerCase() + message.slice(1) : message;
}
