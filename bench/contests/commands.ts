import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { checkout } from '../../test/support/fixtures.js';

const python = process.env.SAM_MIL_PYTHON ?? 'python3';

/** The bundled slide, 2220 x 2967 pixels. */
export const slide = join(checkout, 'pipelines', 'data', 'slides', 'CMU-1-Small-Region.svs');

/** Command of our side: a compiled script of this folder. */
export function ours(name: string, ...parameters: (string | number)[]): string[] {
  return [
    process.execPath,
    fileURLToPath(new URL(`../${name}.js`, import.meta.url)),
    ...parameters.map(String),
  ];
}

/** Command of the peer's side: a script of `peers/`. */
export function peer(name: string, ...parameters: (string | number)[]): string[] {
  const script = join(checkout, 'bench', 'peers', `${name}.py`);
  return [python, script, ...parameters.map(String)];
}
