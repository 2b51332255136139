import { SamMilError } from '../../../../errors.js';
import type { HubConfig, VitFacts } from './config-facts.js';
import type { Activation } from './vit-options.js';

/**
 * A config.json that contradicts the tensors belongs to other weights, so its other values, which the tensors
 * cannot confirm, would be wrong too.
 * @throws SamMilError InvalidInput naming every value that the tensors contradict
 */
export function refuseContradictions({ path, claims }: HubConfig, facts: VitFacts): void {
  const wrong = claims.filter(({ fact, value }) => facts[fact] !== value);
  if (wrong.length === 0) return;
  throw new SamMilError('InvalidInput', 'this configuration is not that of the weights', {
    file: path,
    expected: wrong.map(({ key, fact, value }) => `${key} ${String(value)} (${WORDS[fact]})`).join(', '),
    found: `in the tensors: ${wrong.map(({ fact }) => String(facts[fact])).join(', ')}`,
    next: 'set `config` in the encoder file to the configuration that was published with the weights',
  });
}

const WORDS: Record<keyof VitFacts, string> = {
  width: 'width',
  depth: 'number of blocks',
  patch: 'side of a patch',
  registers: 'register tokens',
  rows: 'rows of the first matrix of a perceptron',
  hidden: 'hidden width of a perceptron',
  gated: 'gated perceptrons',
  attentionBias: 'biases of query, key and value',
  imageSize: 'image size of the stored positions',
  classPosition: 'position of the class token',
  channels: 'channels of the image',
};

const ACTIVATIONS: Readonly<Record<string, Activation>> = { gelu: 'gelu', quick_gelu: 'quick-gelu' };

/**
 * Returns the activation of plain perceptrons that a configuration states.
 * @throws SamMilError UnsupportedFormat for one that is not computed
 */
export function statedActivation({ path, activation }: HubConfig, gated: boolean): Activation | undefined {
  if (activation === undefined || gated) return undefined;
  if (Object.hasOwn(ACTIVATIONS, activation.value)) return ACTIVATIONS[activation.value];
  throw new SamMilError('UnsupportedFormat', 'this activation is not computed', {
    file: path,
    expected: `${activation.key}: ${Object.keys(ACTIVATIONS).join(' or ')}`,
    found: activation.value,
    next: 'export the encoder as an ONNX model',
  });
}
