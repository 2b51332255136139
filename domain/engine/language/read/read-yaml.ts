import { Lexer, parseDocument, Parser } from 'yaml';
import { LineIndex } from '../problems/line-index.js';
import { FIRST_PLACE, ProblemList } from '../problems/problems.js';
import { reportSyntax, YAML_OPTIONS } from './syntax/report-syntax.js';
import { MAX_NESTING, YamlConverter } from './yaml-converter.js';
import type { YamlNode } from './yaml-nodes.js';

/** Maximum size in UTF-16 code units. A longer list of slides belongs in a CSV file. */
const MAX_FILE = 512 * 1024;

/**
 * Reads the only document of a file. If that fails, reports the reason in `problems` and returns undefined.
 *
 * @param faultsOf counts the faults in the values of a file, which tells the likely cause of a syntax error
 */
export function readYaml(
  text: string,
  problems: ProblemList,
  faultsOf: (root: YamlNode) => number = () => 0,
): YamlNode | undefined {
  if (text.length > MAX_FILE) {
    const size = `${Math.round(text.length / 1024)} KiB; at most ${MAX_FILE / 1024} KiB`;
    const hint = 'keep long lists in a CSV file and use foreach: { csv: FILE }';
    problems.error('file-too-large', FIRST_PLACE, `the file has ${size} are allowed`, hint);
    return undefined;
  }
  const lines = new LineIndex(text);
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const place = { ...lines.position(deep), length: 1 };
    problems.error('too-deep', place, `values are nested more than ${MAX_NESTING} levels deep`);
    return undefined;
  }
  const document = parseDocument(text, YAML_OPTIONS);
  if (document.errors.length > 0) {
    reportSyntax(document, text, problems, (changed) => {
      const own = new ProblemList();
      const read = parseDocument(changed, YAML_OPTIONS);
      const root = new YamlConverter(changed, new LineIndex(changed), own).document(read);
      return faultsOf(root) + own.sorted().length;
    });
    return undefined;
  }
  return new YamlConverter(text, lines, problems).document(document);
}

/**
 * Offset at which nesting becomes too deep. This is checked before the library composes values, because it
 * does so recursively and a nearly full stack can abort the whole process.
 */
function tooDeepAt(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme));
    // The document itself and the value being read are on the stack too.
    if (parser.stack.length > MAX_NESTING + 2) return Math.max(0, parser.offset - lexeme.length);
  }
  return undefined;
}
