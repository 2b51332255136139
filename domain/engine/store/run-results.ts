import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { syncPath } from '../../files/durable-file.js';
import { DIGEST, listOf, mapOf, objectOf, RecordKind, TEXT } from '../../files/json-record.js';
import type { JsonObject } from '../../json.js';
import { renameOut, type Claim } from './fence.js';
import { requireInside, resolveInside } from './inside.js';
import { insideWork, runResultsFolder } from './paths.js';
import { publishRecord } from './publish.js';
import type { Receipt } from './receipt-record.js';

/**
 * What a run keeps of a stage: `.runs/<run>/results/<stage>.json`, and copies of the listed files next to it.
 * Outputs in the work folder belong to the last run that made them; these belong to the run.
 */
export interface RunResults {
  results: 1;
  stage: string;
  steps: KeptStep[];
}

export interface KeptStep {
  item: string;
  step: string;
  outputs: JsonObject;
  /** Digests of the output files, by path relative to the work folder. */
  files: Record<string, string>;
}

const RESULTS = new RecordKind<RunResults>(
  objectOf({
    results: { const: 1 },
    stage: TEXT,
    steps: listOf(objectOf({ item: TEXT, step: TEXT, outputs: { type: 'object' }, files: mapOf(DIGEST) })),
  }),
);

/** Copies the output files of a receipt into the record of the claim's run. */
export async function keepStep(
  claim: Claim,
  run: string,
  { item, step, receipt }: { item: string; step: string; receipt: Receipt },
): Promise<KeptStep> {
  const { work, sealed } = claim;
  const files: Record<string, string> = {};
  for (const [path, { digest }] of Object.entries(receipt.files)) {
    const copy = join(sealed, 'copy');
    // A copy, not a link: an edit of the published file must not reach it.
    await copyFile(await resolveInside(work, path), copy);
    await syncPath(copy);
    await renameOut(claim, copy, keptPath(work, run, path));
    files[path] = digest;
  }
  return { item, step, outputs: receipt.outputs, files };
}

/** Writes the record of a stage, after its files. */
export async function writeRunResults({ work, lease }: Claim, run: string, kept: RunResults): Promise<void> {
  await publishRecord(work, lease, recordPath(work, run, kept.stage), RESULTS.text(kept, 1));
}

/**
 * What a run has kept of a stage; undefined if the stage has not ended in it.
 * @throws SamMilError InvalidInput for a damaged record
 */
export async function readRunResults(
  work: string,
  run: string,
  stage: string,
): Promise<RunResults | undefined> {
  const file = recordPath(work, run, stage);
  await requireInside(work, file);
  const found = await RESULTS.read(file);
  if (found.state === 'valid') return found.value;
  if (found.state === 'missing') return undefined;
  throw new SamMilError('InvalidInput', `the record of what run ${run} showed is damaged`, {
    file,
    found: found.found,
    next: `\`npx sam-mil resume ${run}\` writes it again; up-to-date steps are skipped`,
  });
}

/**
 * Returns the absolute path of a kept file, after a check of its content.
 * @throws SamMilError OutputDamaged if it is missing or has changed: what the run showed is gone
 */
export async function keptFile(work: string, run: string, path: string, digest: string): Promise<string> {
  const absolute = keptPath(work, run, path);
  await requireInside(work, absolute);
  const found = await digestOfFile(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return 'no file';
    throw error;
  });
  if (found === digest) return absolute;
  throw new SamMilError(
    'OutputDamaged',
    `what run ${run} showed is gone: its copy of ${path} is not intact`,
    {
      file: absolute,
      expected: digest,
      found,
      next: `\`npx sam-mil resume ${run}\` computes it again`,
    },
  );
}

function keptPath(work: string, run: string, path: string): string {
  return insideWork(runResultsFolder(work, run), path);
}

function recordPath(work: string, run: string, stage: string): string {
  return join(runResultsFolder(work, run), `${stage}.json`);
}
