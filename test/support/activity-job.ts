import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ActivityDefinition } from '../../activities/define/define-activity.js';
import { resolveWith } from '../../activities/step/resolve-with.js';
import { digestOfFile } from '../../domain/digest.js';
import type { InputFile, Job, JobResult, Progress } from '../../domain/job.js';
import type { Json } from '../../domain/json.js';
import { camelCase } from '../../domain/parameters.js';

export interface JobLog {
  level: 'info' | 'warn';
  message: string;
}

export interface TestJob<With> extends Job<With> {
  readonly logs: JobLog[];
  readonly reports: Progress[];
}

/**
 * Creates a job as the engine does: parameters checked against the activity's schema, defaults filled in,
 * scratch and checkpoint folders below `folder`. Files are given as {@link InputFile}.
 */
export function jobFor<With>(
  definition: ActivityDefinition,
  given: Record<string, Json | InputFile | (Json | InputFile)[]>,
  folder: string,
  signal: AbortSignal = new AbortController().signal,
): TestJob<With> {
  const isFile = (value: unknown): value is InputFile =>
    typeof value === 'object' && value !== null && 'digest' in value;
  const isList = (value: unknown): value is unknown[] => Array.isArray(value) && value.some(isFile);
  const pathOf = (value: unknown): unknown => (isFile(value) ? value.path : value);
  const asGiven = Object.entries(given).map(([name, value]) => [
    name,
    isList(value) ? value.map(pathOf) : pathOf(value),
  ]);
  const { parameters } = resolveWith(definition, Object.fromEntries(asGiven) as Record<string, Json>);
  const resolved = Object.entries(parameters).map(([name, value]) => [
    camelCase(name),
    isFile(given[name]) || isList(given[name]) ? given[name] : value,
  ]);
  const [scratch, checkpoint] = ['scratch', 'checkpoint'].map((name) => join(folder, name));
  mkdirSync(scratch, { recursive: true });
  mkdirSync(checkpoint, { recursive: true });
  const logs: JobLog[] = [];
  const reports: Progress[] = [];
  return {
    with: Object.fromEntries(resolved) as With,
    work: folder,
    name: 'slide',
    scratch,
    checkpoint,
    signal,
    progress: (report) => reports.push(report),
    log: (level, message) => logs.push({ level, message }),
    logs,
    reports,
  };
}

export async function inputFile(path: string, name = 'slide'): Promise<InputFile> {
  return { path, digest: await digestOfFile(path), name };
}

/** An output of one job as the input of the next. */
export function outputFile(result: JobResult, output: string): Promise<InputFile> {
  return inputFile(result.files[output].from);
}
