import { WEIGHTS } from '../../domain/machine/weights/manifest.js';
import { ENCODER_NAMES, findEncoder } from '../../domain/pathology/extract/encoders/encoders.js';
import { formatBytes } from '../../client/display/render-text.js';

const HEAD = [
  'encoder',
  'dim',
  'size',
  'input',
  'patches',
  'on a GPU',
  'digest',
  'access',
  'license',
  'from',
];

/** The table of docs/encoders.md, as cells, from the manifest. */
export async function encoderTable(): Promise<string[][]> {
  const rows = await Promise.all(ENCODER_NAMES.map(rowOf));
  return [HEAD, ...rows];
}

async function rowOf(name: string): Promise<string[]> {
  const { info } = await findEncoder(name);
  const { dim, inputSize, resizeTo, precision = 'fp32', expects, license } = info;
  const entry = WEIGHTS.find((candidate) => candidate.name === name);
  const url = entry?.from === 'url' ? entry : undefined;
  const bytes = entry?.bytes ?? url?.aboutBytes;
  const size =
    bytes === undefined ? '' : `${entry?.bytes === undefined ? 'about ' : ''}${formatBytes(bytes)}`;
  const patches = expects === undefined ? 'any' : `${expects.side} px at ${expects.mpp.join(', ')}`;
  const digest =
    entry?.sha256 === undefined ? (url?.stated === undefined ? 'recorded' : 'one source') : 'pinned';
  const { hub } = url ?? {};
  return [
    `\`${name}\``,
    `${dim}`,
    size,
    resizeTo === undefined ? `${inputSize}` : `${inputSize} of ${resizeTo}`,
    patches,
    precision,
    entry === undefined ? '' : digest,
    url?.gated ? 'gated' : 'open',
    license,
    hub === undefined ? '' : `[${hub.name.split('/')[0]}](https://huggingface.co/${hub.name})`,
  ];
}
