import { createInterface, type Interface } from 'node:readline/promises';
import { encodeError } from '../../domain/machine/threads/wire-error.js';
import { SamMilError } from '../../domain/errors.js';
import { Interrupted } from '../command-line/errors.js';
import { renderError } from '../display/render-error.js';

/** Asks questions on the terminal, one at a time, until an answer can be used. */
export class Questions {
  private readonly lines: Interface = createInterface({ input: process.stdin, output: process.stdout });
  private readonly stopped = new AbortController();

  constructor() {
    this.lines.once('SIGINT', () => this.stopped.abort());
    this.lines.once('close', () => this.stopped.abort());
  }

  /**
   * Returns what `read` makes of the answer. Enter alone takes the proposal. An answer that `read` refuses
   * with a SamMilError is asked again.
   * @throws Interrupted at Ctrl-C and at the end of the input
   */
  async ask<T>(
    question: string,
    proposal: string | undefined,
    read: (answer: string) => T | Promise<T>,
  ): Promise<T> {
    const hint = proposal === undefined ? '' : ` [${proposal}]`;
    for (;;) {
      const answer = (await this.line(`${question}${hint}: `)).trim() || proposal;
      if (answer === undefined) continue;
      try {
        return await read(answer);
      } catch (error) {
        if (!(error instanceof SamMilError)) throw error;
        console.log(renderError(encodeError(error)).join('\n'));
      }
    }
  }

  close(): void {
    this.lines.close();
  }

  private async line(prompt: string): Promise<string> {
    try {
      return await this.lines.question(prompt, { signal: this.stopped.signal });
    } catch {
      console.log();
      throw new Interrupted();
    }
  }
}
