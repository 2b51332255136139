import { availableParallelism } from 'node:os';
import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../json.js';
import { noteDevice } from '../../machine/usage.js';
import type { EncoderInfo, OpenEncoder } from './encoders/encoder.js';
import { chooseEncoder, keyOfEncoder } from './encoders/encoders.js';
import type { Precision } from './encoders/precision.js';
import { resolvePrecision, splitKey } from './encoders/resolve-precision.js';
import { type RequestedEncoder, requestedEncoders } from './encoders/requested-encoders.js';
import { type EncoderRequest, sharedEncoders } from './encoders/shared-encoder.js';
import type { ExtractWith } from './parameters.js';

export interface OpenedEncoder {
  encoder: OpenEncoder;
  precision: Precision;
  /** See {@link RequestedEncoder}. */
  label?: string;
}

/**
 * Opens the encoders of a step in the precision that its cache key states.
 * @throws SamMilError InvalidInput if they are not chosen properly or lack the precision; WeightsMissing
 */
export async function openEncoders(job: Job<ExtractWith>): Promise<OpenedEncoder[]> {
  const requested = requestedEncoders(job.with);
  const requests: EncoderRequest[] = [];
  for (const [index, one] of requested.entries()) {
    requests.push(await request(job, one, expectedKey(job, one, index)));
  }
  const encoders = await sharedEncoders(requests);
  encoders.forEach((encoder, index) => tell(job, encoder, requests[index]));
  return encoders.map((encoder, index) => ({
    encoder,
    precision: requests[index].options.precision ?? 'fp32',
    label: requested[index].label,
  }));
}

/** The encoder's part of the cache key, if the job was prepared with one. */
function expectedKey(
  { hidden }: Job<ExtractWith>,
  { label }: RequestedEncoder,
  index: number,
): Json | undefined {
  if (label === undefined) return hidden?.encoder;
  return Array.isArray(hidden?.encoders) ? hidden.encoders[index] : undefined;
}

async function request(
  job: Job<ExtractWith>,
  { encoder, fallback }: RequestedEncoder,
  expected: Json | undefined,
): Promise<EncoderRequest> {
  const { device, threads, targetSize, precision: requested } = job.with;
  const { definition, fallbackBecause } = await chooseEncoder(encoder, fallback, (line) =>
    job.log('info', line),
  );
  const known = isJsonObject(expected ?? null) ? splitKey(expected as JsonObject) : undefined;
  refuseOther(definition.info, known?.key);
  const isFallback = fallbackBecause !== undefined;
  if (isFallback) job.log('warn', `using fallback encoder ${definition.info.name}: ${fallbackBecause}`);
  const precision =
    requested === 'auto' && known
      ? known.precision
      : resolvePrecision(definition, {
          // A replacement need not have the precision that was meant for another encoder.
          precision: isFallback && !definition.halfPrecision ? 'fp32' : requested,
          device,
        });
  const options = { size: targetSize, device, threads: threads ?? availableParallelism() };
  return { definition, options: precision === 'fp32' ? options : { ...options, precision } };
}

function tell(job: Job<ExtractWith>, { info, provider }: OpenEncoder, { options }: EncoderRequest): void {
  const { device } = job.with;
  noteDevice(provider.name);
  const asRequested = device === 'auto' || device === provider.name;
  const where = `${provider.name}${asRequested ? '' : ` instead of ${device}`} (${provider.why})`;
  job.log(asRequested ? 'info' : 'warn', `encoder ${info.name} runs on ${where}`, { note: info.note });
  const { precision } = options;
  if (precision !== undefined && provider.name === 'cpu') {
    const facts = { precision, next: 'use `precision: fp32` on the CPU' };
    job.log('warn', `encoder ${info.name} runs in ${precision} on the CPU, which is slower than fp32`, facts);
  }
}

/**
 * Weights can change after the cache key was computed. A bag of one encoder must not be stored under the key
 * of another.
 */
function refuseOther(info: EncoderInfo, expected: JsonObject | undefined): void {
  if (expected === undefined || canonicalJson(keyOfEncoder(info)) === canonicalJson(expected)) return;
  throw new SamMilError('Unavailable', `the available encoder changed after the step was prepared`, {
    expected: (expected as { name: string }).name,
    found: info.name,
    next: 'the step is retried; run `npx sam-mil doctor` to check the weights on each worker',
  });
}
