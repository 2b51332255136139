import type { WireError } from '../../errors.js';
import type { Json } from '../../json.js';

/** Messages between a process and its reader over the IPC channel. */

export interface ReadRequest {
  /** URL of the module that exports the function. */
  module: string;
  name: string;
  args: readonly Json[];
}

export type ReadResponse = { value?: Json } | { error: WireError };
