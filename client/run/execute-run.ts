import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { openSession, type ServerChoice, type Session } from '../server/connect.js';
import { createDisplay, paletteFor, type Display } from '../display/display.js';
import { driveRun, needsOf, type DriveOptions, type DriveOutcome } from './drive-run.js';
import { Exit } from '../command-line/errors.js';
import { Interrupt } from './interrupt.js';
import { JsonDisplay } from '../display/json-display.js';
import { othersServe, refuseWorkersWithout, type WorkerFacts } from './registered-workers.js';
import { readPlanOf, type RunEntry } from './run-index.js';
import { exitCodeOfRun, resultLines, resultObject } from './run-result.js';
import { partsOf, setUpNatives } from '../set-up/set-up-natives.js';

/** Options of the commands that show a run to its end. */
export interface ExecuteOptions extends ServerChoice {
  json?: boolean;
  /** commander's `--no-worker`: false means that no local worker is started. */
  worker?: boolean;
  plugin?: string[];
}

export interface Execution {
  entry: RunEntry;
  onReady?: DriveOptions['onReady'];
}

/**
 * What `run`, `quickstart` and `resume` have in common: natives, server, worker, live display, result, and an orderly end. `begin` starts or finds
 * the run once the server is there. Throws {@link Exit} unless the run ended well.
 */
export async function executeRun(
  plan: Plan,
  options: ExecuteOptions,
  begin: (session: Session, display: Display) => Promise<Execution>,
): Promise<void> {
  const display = options.json ? new JsonDisplay() : createDisplay(process.stdout);
  const log = (line: string) => display.line(`  ${line}`);
  const session = await openSession(options, { start: true, log });
  const interrupt = new Interrupt(() =>
    display.line(
      'stopping: running steps save where they are; `npx sam-mil resume` goes on (Ctrl-C again ends this at once)',
    ),
  );
  try {
    const worker = options.worker ?? session.kind === 'embedded';
    const needs = needsOf(plan, session, options.plugin);
    if (worker) refuseWorkersWithout(needs);
    if (worker) await interrupt.orExit(setUpNatives(partsOf(plan), log));
    display.line(greeting(session, worker, needs));
    const { entry, onReady } = await interrupt.orExit(begin(session, display));
    const { profile } = options;
    const parts = { session, display, needs, profile, worker, onReady, interrupt };
    const outcome = await driveRun(entry, parts);
    await announce(entry, outcome, options.json === true);
  } finally {
    await session.close();
    interrupt.dispose();
  }
}

function greeting(session: Session, worker: boolean, needs: WorkerFacts): string {
  const { kind, started, address, namespace } = session;
  const where =
    kind === 'embedded'
      ? `${started ? 'started the embedded Temporal server' : 'using the embedded Temporal server'} at ${address}`
      : `using the Temporal server at ${address}, namespace ${namespace}`;
  if (!worker) return where;
  return othersServe(needs) ? `${where} and the worker that serves it` : `${where} and a local worker`;
}

async function announce(entry: RunEntry, outcome: DriveOutcome, json: boolean): Promise<void> {
  if (json) {
    console.log(JSON.stringify(resultObject(entry, outcome)));
  } else {
    const lines = await resultLines(entry, readPlanOf(entry), outcome, paletteFor(process.stdout));
    console.log(lines.join('\n'));
  }
  const code = exitCodeOfRun(outcome);
  if (code !== 0) throw new Exit(code);
}
