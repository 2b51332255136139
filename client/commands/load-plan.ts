import type { Registry } from '../../activities/define/registry.js';
import type { SelectedPlan } from '../../domain/engine/language/select-stages.js';
import type { SelectionOptions } from '../command-line/options.js';
import { paletteFor } from '../display/display.js';
import { problemsText } from '../display/problems.js';
import { wrapText } from '../display/word-wrap.js';
import { loadFile, selectPlan, type FileOptions } from '../run/load-file.js';

export type LoadedPlan = SelectedPlan & { registry: Registry };

/**
 * Returns the part of a file's plan that the options select. Prints the file's problems to stderr.
 * @throws InvalidPipelineError for a file with errors
 */
export async function loadPlan(file: string, options: FileOptions & SelectionOptions): Promise<LoadedPlan> {
  const loaded = await loadFile(file, options);
  if (loaded.problems.length > 0)
    console.error(wrapText(problemsText(loaded, paletteFor(process.stderr)), process.stderr));
  return { ...selectPlan(loaded, options), registry: loaded.registry };
}
