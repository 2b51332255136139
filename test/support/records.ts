import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { digestOf } from '../../domain/digest.js';
import { PLAN } from '../../domain/engine/language/plan/plan-record.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { planPath, receiptPath, type Place } from '../../domain/engine/store/paths.js';
import { RECEIPT, type Made, type ReceiptFile } from '../../domain/engine/store/receipt-record.js';
import type { JsonObject } from '../../domain/json.js';

/** Writes the receipt of a step that made these outputs, and those files. */
export function writeReceipt(
  work: string,
  place: Place,
  outputs: JsonObject,
  facts: Partial<Made> = {},
  files: Record<string, ReceiptFile> = {},
): void {
  const ingredients = { activity: 'stub.write', version: 1, name: '', with: {}, inputs: {}, hidden: {} };
  const made = { run: 'run', attempt: 1, host: 'host', seconds: 1, at: '2026-01-01T00:00:00.000Z', ...facts };
  const key = digestOf('key');
  write(
    receiptPath(work, place),
    RECEIPT.text({ receipt: 1, key, ingredients, folder: place.stage, outputs, files, made }),
  );
}

/** Writes the plan of a run into its folder. */
export function writePlan(run: string, plan: Plan): void {
  write(planPath(plan.work, run), PLAN.text(plan));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
