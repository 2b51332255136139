import { join } from 'node:path';
import { digestOfFile } from '../../domain/digest.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { keptFile, readRunResults } from '../../domain/engine/store/run-results.js';
import type { RunEntry } from '../run/run-index.js';

/** Files of a `pipeline.report` stage of a run, as absolute paths. */
export interface ReportFiles {
  stage: string;
  /** The page in the work folder while it is this run's; later the run's copy of it. */
  html: string;
  /** The run's copy. Absent for a report of slides without evaluations. */
  metrics?: string;
}

/**
 * Finds the reports of a run in its record. The files in the work folder may be those of a later run.
 * @throws SamMilError InvalidInput for a damaged record, OutputDamaged for a copy that is no longer intact
 */
export async function findReports(
  { work, run }: Pick<RunEntry, 'work' | 'run'>,
  plan: Plan,
): Promise<ReportFiles[]> {
  const found: ReportFiles[] = [];
  for (const stage of plan.stages) {
    for (const step of stage.steps.filter(({ uses }) => uses === 'pipeline.report')) {
      const kept = (await readRunResults(work, run, stage.name))?.steps.find(
        ({ step: id }) => id === step.id,
      );
      const pathOf = async (ending: string) => {
        const [path, digest] =
          Object.entries(kept?.files ?? {}).find(([name]) => name.endsWith(ending)) ?? [];
        if (path === undefined || digest === undefined) return undefined;
        const published = join(work, path);
        const current = await digestOfFile(published).catch(() => undefined);
        if (ending === '.html' && current === digest) return published;
        return keptFile(work, run, path, digest);
      };
      const html = await pathOf('.html');
      const evaluated = step.with.evaluations !== undefined;
      const metrics = evaluated ? await pathOf('metrics.json') : undefined;
      if (html !== undefined) found.push({ stage: stage.name, html, metrics });
    }
  }
  return found;
}
