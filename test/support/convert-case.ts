import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { definition } from '../../activities/pathology/convert.js';
import { run } from '../../domain/pathology/convert/convert.js';
import type { ConvertWith } from '../../domain/pathology/convert/parameters.js';
import type { InputFile, JobResult } from '../../domain/job.js';
import type { Json } from '../../domain/json.js';
import { inputFile, jobFor, type TestJob } from './activity-job.js';
import { fixture } from './fixtures.js';

/** What plain numpy computes from the fixtures: see test/fixtures/convert/make.py. */
export interface ExpectedBag {
  coords: [number, number][];
  features: number[][];
  members: number[][];
  relative_area: number[];
  group_features: number[][];
}

export const EXPECTED = JSON.parse(readFileSync(fixture('convert/bag.json'), 'utf8')) as ExpectedBag;

/** A file of test/fixtures/convert as an input. */
export function given(name: string): Promise<InputFile> {
  return inputFile(fixture(`convert/${name}`));
}

export type Parameters = Record<string, Json | InputFile>;

/** Runs pathology.convert in a folder. */
export async function convert(
  folder: string,
  parameters: Parameters,
): Promise<{ result: JobResult; job: TestJob<ConvertWith> }> {
  const job = jobFor<ConvertWith>(definition, parameters, join(folder, 'attempt'));
  return { result: await run(job), job };
}
