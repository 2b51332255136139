import { mkdirSync } from 'node:fs';
import { basename, join, parse } from 'node:path';
import { digestOfFile } from '../../domain/digest.js';
import type { InputFile, Job, Progress } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';

/** Creates a job as an implementation gets it, with folders below `folder`, and records its reports. */
export interface RecordedJob<With> extends Job<With> {
  readonly reports: Progress[];
  readonly lines: { level: string; message: string; facts?: JsonObject }[];
}

export function makeJob<With>(
  folder: string,
  parameters: With,
  { name = 'item', signal = new AbortController().signal }: { name?: string; signal?: AbortSignal } = {},
): RecordedJob<With> {
  const [work, scratch, checkpoint] = ['work', 'scratch', 'checkpoint'].map((part) => join(folder, part));
  for (const path of [work, scratch, checkpoint]) mkdirSync(path, { recursive: true });
  const reports: Progress[] = [];
  const lines: RecordedJob<With>['lines'] = [];
  return {
    with: parameters,
    work,
    name,
    scratch,
    checkpoint,
    signal,
    reports,
    lines,
    progress: (report) => void reports.push(report),
    log: (level, message, facts) => void lines.push({ level, message, facts }),
  };
}

/** A file as a job's input. */
export async function inputFile(path: string): Promise<InputFile> {
  return { path, digest: await digestOfFile(path), name: parse(basename(path)).name };
}
