import { EXIT, Exit } from '../command-line/errors.js';
import { Interrupt } from '../command-line/interrupt.js';
import { PROGRAM } from '../command-line/program.js';
import { createDisplay } from '../display/display.js';
import { JsonDisplay } from '../display/json-display.js';
import type { ControllerOptions, RunController } from '../run/controller.js';
import type { RunOutcome } from '../run/events.js';
import type { RunEntry } from '../run/run-index.js';
import type { ServerChoice } from '../server/connect.js';
import { locateEmbeddedServer } from '../server/embedded-server.js';

/** Options of the commands that follow a run to its end. */
export interface FollowOptions extends ServerChoice {
  json?: boolean;
  /** commander's `--no-worker`: false means that no local worker is started. */
  worker?: boolean;
  plugin?: string[];
  takeOver?: boolean;
  replace?: boolean;
}

/**
 * Follows a run to its end, for `run`, `quickstart`, `resume` and `skip`. `open` creates the controller;
 * `choose` starts or continues the run with it. Throws {@link Exit} unless the run succeeded.
 */
export async function showRun(
  { json, worker, takeOver, replace, ...server }: FollowOptions,
  open: (options: ControllerOptions) => Promise<RunController>,
  choose: (controller: RunController) => Promise<RunEntry>,
): Promise<void> {
  const listener = json ? new JsonDisplay() : createDisplay(process.stdout);
  const interrupt = new Interrupt(() => listener.line(STOPPING));
  const { signal } = interrupt;
  try {
    const conflicts = { takeOver, replace };
    const controller = await open({ server, worker, conflicts, program: PROGRAM, listener, signal });
    // Its address admits whoever has it, so it is not written to log files.
    const page =
      !json && process.stdout.isTTY && controller.embedded ? await locateEmbeddedServer() : undefined;
    if (page?.ui) listener.line(`Temporal's Web UI   ${page.ui}`);
    const { outcome } = await controller.run(choose);
    const code = exitCodeOf(outcome);
    if (code !== EXIT.ok) throw new Exit(code);
  } finally {
    interrupt.dispose();
  }
}

const STOPPING =
  'stopping: running steps save their progress; `npx sam-mil resume` continues the run (Ctrl-C again exits at once)';

function exitCodeOf(outcome: RunOutcome): number {
  if (outcome.ended !== 'result') return EXIT.interrupted;
  return outcome.status.state === 'done' ? EXIT.ok : EXIT.failed;
}
