import { join } from 'node:path';
import { packageRoot } from '../../domain/package-root.js';

/** The compiled command line as a separate program, which starts local workers. */
export const PROGRAM = join(packageRoot(), 'dist', 'client', 'main.js');
