/** What a file that is no pipeline most likely is. */
export interface ForeignFile {
  /** Completes "the file is …": `a Markdown text`. */
  what: string;
  hint: string;
}

const START = 'a pipeline begins with `pipeline: 1`';

/** The signs of other files, the most certain ones first. */
const SIGNS: readonly (readonly [what: string, sign: RegExp, hint?: string])[] = [
  ['a PDF file', /^%PDF-/],
  ['an HTML page', /^\s*<(!doctype html|html)\b/i],
  ['an XML file', /^\s*<\?xml\b/],
  ['a Jupyter notebook', /^\s*\{[\s\S]{0,200}"(cells|nbformat)"\s*:/],
  ['a Nextflow script', /^\s*(nextflow\.enable\.dsl|process\s+\w+\s*\{|workflow(\s+\w+)?\s*\{)/m],
  ['a Snakefile', /^\s*(rule|checkpoint)\s+\w+\s*:\s*$/m],
  ['a WDL workflow', /^\s*(version\s+1\.\d|(task|workflow)\s+\w+\s*\{)/m],
  ['a script', /^#!/, 'to run a pipeline file, name the file: `sam-mil run FILE.yaml`'],
  ['a Python module', /^(import \w[\w.]*|from \w[\w.]* import .+|def \w+\(.*\).*:)\s*$/m],
  ['a GitHub Actions workflow', /^jobs:[\s\S]*\bruns-on:/m],
  ['a Docker Compose file', /^services:\s*$/m],
  ['a DVC pipeline', /^stages:[\s\S]*\bcmd:/m],
  ['a GitLab pipeline', /^stages:[\s\S]*^ {2}script:/m],
  ['a Markdown text', /^(#{2,6} \S|={3,}\s*$|- \[.\] |!?\[[^\]\n]+\]\([^)\n]+\))/m],
];

/** Whether the text has a line that only a pipeline has, correctly written or not. */
export function looksLikePipeline(text: string): boolean {
  return /^\s{0,2}pipeline\b/m.test(text) || /^\s*(-\s+)?uses\b/m.test(text);
}

/** Returns what a text is that has none of the keys of a pipeline; undefined if nothing is recognized. */
export function foreignFile(text: string): ForeignFile | undefined {
  // A fence at the start of a line is not YAML, and its content may be a pipeline.
  if (/^```/m.test(text)) return { what: 'a Markdown text', hint: START };
  if (/^\s*pipeline\s*:/m.test(text)) return undefined;
  if (/^\ufffd\ufffd/.test(text) && text.includes('\u0000'))
    return { what: 'a text in UTF-16', hint: 'save it in the encoding UTF-8' };
  if (isBinary(text)) return { what: 'a binary file', hint: 'give the YAML file of a pipeline' };
  if (text.replace(/^\s*#.*$/gm, '').trim() === '') return { what: 'empty', hint: START };
  if (looksLikePipeline(text)) return undefined;
  const sign = SIGNS.find(([, pattern]) => pattern.test(text));
  if (sign) return { what: sign[0], hint: sign[2] ?? START };
  return jsonFile(text) ?? csvFile(text);
}

function isBinary(text: string): boolean {
  const start = text.slice(0, 4096);
  const odd = start.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/g)?.length ?? 0;
  return start.includes('\u0000') || odd > start.length / 20;
}

function jsonFile(text: string): ForeignFile | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const keys = Array.isArray(value) ? [] : Object.keys(value as object).slice(0, 5);
    const holds = keys.length === 0 ? 'a list' : `the keys ${keys.join(', ')}`;
    return { what: `JSON with ${holds}`, hint: START };
  } catch {
    return undefined;
  }
}

/** A header and rows with as many commas. */
function csvFile(text: string): ForeignFile | undefined {
  const rows = text.trim().split(/\r?\n/).slice(0, 5);
  const commas = rows.map((row) => row.split(',').length - 1);
  const isTable = rows.length > 1 && commas[0] > 0 && commas.every((count) => count === commas[0]);
  if (!isTable || /[:{}]\s/.test(rows[0])) return undefined;
  return {
    what: 'a CSV table',
    hint: `${START}; a stage takes the rows of a table with foreach: { csv: FILE }`,
  };
}
