import { FIRST_PLACE, type Problem } from '../../domain/engine/language/problems/problems.js';
import type { EditedPipeline } from '../../domain/engine/language/editor/cursor.js';
import { SamMilError } from '../../domain/errors.js';
import { createCatalog, loadText } from '../run/load-file.js';

export interface EditedFile {
  problems: Problem[];
  /** Absent if the text cannot be read as a pipeline. */
  edited?: EditedPipeline;
}

/**
 * Checks the text of a file that is open in an editor.
 *
 * @param path absolute; the file itself is not read
 * @param loadPlugins whether to load the plugins that the text names, which runs their code
 */
export async function checkText(path: string, text: string, loadPlugins: boolean): Promise<EditedFile> {
  try {
    const { problems, document, registry } = await loadText(path, text, { loadPlugins }, true);
    const edited = document && { document, catalog: createCatalog(registry) };
    return { problems, edited };
  } catch (error) {
    if (!(error instanceof SamMilError)) throw error;
    const { what, facts } = error;
    const problem: Problem = { code: 'bad-value', severity: 'error', message: what, place: FIRST_PLACE };
    return { problems: [facts.next === undefined ? problem : { ...problem, hint: facts.next }] };
  }
}
