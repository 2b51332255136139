import type { ProblemCode } from '../../problems/problem-codes.js';

/** A mistake that is certain from the text of one line. `line` counts from 0. */
export interface CertainFault {
  code: ProblemCode;
  line: number;
  column: number;
  length: number;
  message: string;
  hint: string;
}

/** Returns the first mistake that no YAML file can contain where it is; undefined if there is none. */
export function certainFault(text: string): CertainFault | undefined {
  const lines = text.split('\n');
  for (const [line, content] of lines.entries()) {
    const fault = conflict(content) ?? leadingSpace(content);
    if (fault) return { line, ...fault };
  }
  return undefined;
}

function conflict(content: string): Omit<CertainFault, 'line'> | undefined {
  if (!/^(<{7}|={7}|>{7})( |\r?$)/.test(content)) return undefined;
  return {
    code: 'yaml-syntax',
    column: 0,
    length: content.trimEnd().length,
    message: 'the file contains an unresolved merge conflict',
    hint: 'keep one of the two versions, and remove the lines <<<<<<<, ======= and >>>>>>>',
  };
}

/** Tabs and spaces of other scripts look like spaces in an editor. */
function leadingSpace(content: string): Omit<CertainFault, 'line'> | undefined {
  const [leading] = /^\s*/.exec(content) ?? [''];
  if (leading === content) return undefined;
  const odd = /[^ ]/.exec(leading);
  if (odd === null) return undefined;
  const column = odd.index;
  if (odd[0] === '\t') {
    const message = 'tabs cannot be used for indentation';
    return { code: 'tab-indent', column, length: 1, message, hint: 'indent with spaces' };
  }
  const name = odd[0] === '\u00a0' ? 'a no-break space' : 'a special space';
  const code = odd[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? '';
  return {
    code: 'yaml-syntax',
    column,
    length: 1,
    message: `the line is indented with ${name} (U+${code}), which YAML takes for text`,
    hint: 'replace it with an ordinary space',
  };
}
