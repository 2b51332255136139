import { SamMilError, type ErrorFacts } from '../../domain/errors.js';

/** What can be wrong with a plugin. Each is also a problem code of the pipeline file that names it. */
export type PluginFaultCode = 'unknown-plugin' | 'bad-plugin' | 'plugin-clash';

/** A plugin that cannot be used. */
export class PluginFault extends SamMilError {
  readonly problem: PluginFaultCode;

  constructor(problem: PluginFaultCode, what: string, facts: ErrorFacts & { cause?: unknown }) {
    super('InvalidInput', what, facts);
    this.problem = problem;
  }
}
