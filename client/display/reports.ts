import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FileRef } from '../../domain/job.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { readReceipt } from '../../domain/engine/store/receipts.js';

/** Files of a `pipeline.report` stage in the work folder, as absolute paths. */
export interface ReportFiles {
  stage: string;
  html: string;
  /** Absent for a report of slides without evaluations. */
  metrics?: string;
}

/** Finds the reports of a run through their receipts. */
export async function findReports(plan: Plan): Promise<ReportFiles[]> {
  const found: ReportFiles[] = [];
  for (const stage of plan.stages) {
    for (const step of stage.steps.filter(({ uses }) => uses === 'pipeline.report')) {
      const receipt = await readReceipt(plan.work, { stage: stage.name, item: stage.name, step: step.id });
      const paths = Object.values(receipt?.outputs ?? {})
        .map((output) => (output as unknown as Partial<FileRef> | null)?.path)
        .filter((path): path is string => typeof path === 'string')
        .map((path) => join(plan.work, path))
        .filter((path) => existsSync(path));
      const html = paths.find((path) => path.endsWith('.html'));
      const evaluated = step.with.evaluations !== undefined;
      const metrics = evaluated ? paths.find((path) => path.endsWith('metrics.json')) : undefined;
      if (html !== undefined) found.push({ stage: stage.name, html, metrics });
    }
  }
  return found;
}
