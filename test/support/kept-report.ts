import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { keepResults } from '../../activities/engine/keep-results.js';
import type { FinishStageInput } from '../../activities/engine/stage-messages.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { EngineContext } from '../../activities/step/engine-context.js';
import { digestOfFile } from '../../domain/digest.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import type { Lease } from '../../domain/engine/store/lease.js';
import { readStamp } from '../../domain/files/file-stamp.js';
import type { ReceiptFile } from '../../domain/engine/store/receipt-record.js';
import { doneItem } from '../../domain/engine/item/item-result.js';
import type { FileRef, JobResult } from '../../domain/job.js';
import { jsonLines, type JsonObject } from '../../domain/json.js';
import type { HeadFacts } from '../../domain/mil/evaluate/endpoint-files.js';
import { writeEvaluation, type FoldFacts } from '../../domain/mil/evaluate/evaluation-files.js';
import type { ReportWith } from '../../domain/pipeline/report/parameters.js';
import { run as runReport } from '../../domain/pipeline/report/report.js';
import { planOf } from './engine.js';
import { inputFile, makeJob } from './job.js';
import { leaseFor } from './lease.js';
import { writePlan, writeReceipt } from './records.js';
import { FOLD_FACTS } from './small-evaluation.js';

/** What a run of {@link finishReport} gets: of 16 pairs of a slide per class, `missed` are ranked wrongly. */
export interface KeptReport {
  missed: number;
  model?: string;
  params?: JsonObject;
  /** Predictions of more than two classes, in place of those by `missed`. */
  several?: { classes: string[]; scored: ReturnType<typeof slideScores> };
  /** Writes an evaluation of another endpoint, in place of classes. */
  write?: (scratch: string, facts: HeadFacts) => JobResult;
}

/** A plan of an evaluation and its report. */
export function reportPlan(work: string, params: JsonObject = {}): Plan {
  const stages = [
    { name: 'evaluate', steps: [{ uses: 'mil.evaluate' }] },
    { name: 'report', needs: ['evaluate'], steps: [{ uses: 'pipeline.report', with: { evaluations: 'x' } }] },
  ];
  return planOf(work, stages, { name: 'study', params });
}

/**
 * Finishes the two stages of {@link reportPlan} in a work folder as a run does, with the real report: the
 * files in the work folder are replaced, and the run keeps its copies. The AUC is 1 - missed / 16.
 */
export async function finishReport(work: string, run: string, kept: KeptReport): Promise<void> {
  const plan = reportPlan(work, kept.params);
  writePlan(run, plan);
  const stages = new Stages(run, plan, await leaseFor(work, run));
  const { model = 'abmil', several } = kept;
  const scratch = join(work, 'made');
  mkdirSync(scratch, { recursive: true });
  const facts = { ...FOLD_FACTS, model, cell: `${model}-0-0`, ...(several && { classes: several.classes }) };
  const predictions = { scored: several?.scored ?? slideScores(kept.missed), validation: [] };
  const evaluated =
    kept.write?.(scratch, headFacts(facts)) ??
    writeEvaluation(scratch, facts, predictions, { threshold: 'half', bootstrap: 5 });
  const outputs = await stages.finish('evaluate', 'evaluate', scratch, evaluated);
  const items = join(work, 'evaluate.jsonl');
  writeFileSync(items, jsonLines([{ key: facts.cell, fields: { model }, status: 'done', outputs }]));
  const parameters = { evaluations: await inputFile(items), groupBy: 'model', compare: 'none', title: run };
  const job = { ...makeJob(join(work, 'job'), parameters as ReportWith), work, run };
  await stages.finish('report', 'report', job.scratch, await runReport(job));
}

function headFacts({ classes: _, protocol: __, ...facts }: FoldFacts): HeadFacts {
  return facts;
}

class Stages {
  private readonly run: string;
  private readonly plan: Plan;
  private readonly lease: Lease;

  constructor(run: string, plan: Plan, lease: Lease) {
    this.run = run;
    this.plan = plan;
    this.lease = lease;
  }

  /** Moves the files of a step to their places, writes its receipt and ends its stage. */
  async finish(
    name: string,
    step: string,
    scratch: string,
    { files: made, values }: JobResult,
  ): Promise<JsonObject> {
    const { work } = this.plan;
    const outputs: Record<string, FileRef & JsonObject> = {};
    const files: Record<string, ReceiptFile> = {};
    for (const [output, { from, to }] of Object.entries(made)) {
      const path = join(name, to);
      mkdirSync(dirname(join(work, path)), { recursive: true });
      copyFileSync(from.startsWith('/') ? from : join(scratch, from), join(work, path));
      outputs[output] = { path, digest: await digestOfFile(join(work, path)), bytes: 1 };
      const stamp = await readStamp(join(work, path));
      if (stamp !== undefined) files[path] = { ...stamp, digest: outputs[output].digest };
    }
    const all = { ...outputs, ...values };
    writeReceipt(work, { stage: name, item: name, step }, all, {}, files);
    const stage = this.plan.stages.find((one) => one.name === name) as StagePlan;
    const { run, lease } = this;
    const input = { work, run, lease } as FinishStageInput;
    const result = doneItem({ index: 0, key: name }, { outputs: all, steps: [step] }, false);
    await keepResults(new EngineContext(await loadRegistry()), stage, input, [result]);
    return all;
  }
}

/** Four slides per class; the lowest positive ones are ranked below negative ones. */
export function slideScores(missed: number) {
  const negatives = [0.2, 0.3, 0.4, 0.5];
  const positives = [0, 1, 2, 3].map((i) => {
    const below = Math.min(4, Math.max(0, missed - 4 * i));
    return 0.55 - 0.1 * below + 0.01 * i + (below === 0 ? 0.1 : 0);
  });
  return [negatives, positives].flatMap((list, label) =>
    list.map((score, i) => ({ key: `s${label}${i}`, label, probabilities: [1 - score, score] })),
  );
}
