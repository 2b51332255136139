import { join } from 'node:path';
import { packageRoot } from '../../domain/package-root.js';

/** The compiled command line as a program of its own: what a local worker is started with. */
export const PROGRAM = join(packageRoot(), 'dist', 'client', 'main.js');
