import type { InputFile } from '../../job.js';
import type { JsonObject } from '../../json.js';
import { chooseEncoder } from './encoders/encoders.js';
import { keyWithPrecision, type PrecisionRequest } from './encoders/resolve-precision.js';
import { requestedEncoders } from './encoders/requested-encoders.js';

/**
 * What the cache key of pathology.extract states about its encoders.
 * @param inputs the encoder files among them, by place: `encoder`, `encoders.0`
 * @throws SamMilError as the step itself if the encoders are not chosen properly or their weights are missing
 */
export async function encoderKeys(
  parameters: JsonObject,
  inputs: Readonly<Record<string, InputFile>>,
): Promise<JsonObject> {
  const { encoder, encoders, fallback, precision, device } = parameters as Partial<Record<string, string>> & {
    encoders?: string[];
  };
  const requested = requestedEncoders({
    encoder: inputs.encoder ?? encoder,
    encoders: encoders?.map((one, index) => inputs[`encoders.${index}`] ?? one),
    fallback,
  });
  const request = { precision, device } as PrecisionRequest;
  const keys: JsonObject[] = [];
  for (const one of requested) {
    const { definition } = await chooseEncoder(one.encoder, one.fallback);
    keys.push(keyWithPrecision(definition, request));
  }
  return encoders === undefined ? { encoder: keys[0] } : { encoders: keys };
}
