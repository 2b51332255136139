import type { Problem } from '../../domain/engine/language/problems/problems.js';
import { renderProblems } from '../../domain/engine/language/problems/render-problems.js';
import type { LoadedFile } from '../run/load-file.js';
import type { Palette } from './render-status.js';
import { plural } from './render-text.js';

/** Renders every problem with its place, the marked line of the file, and how to fix it. */
export function problemsText({ problems, text, file, others }: LoadedFile, palette: Palette): string {
  const { red: error, yellow: warning, dim: faint, bold: strong } = palette;
  return renderProblems(problems, text, file, { error, warning, faint, strong }, others);
}

/** `2 errors, 1 warning`. */
export function countText(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  const parts = [];
  if (errors > 0) parts.push(plural(errors, 'error'));
  if (warnings > 0) parts.push(plural(warnings, 'warning'));
  return parts.join(', ') || 'no problems';
}
