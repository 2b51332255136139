import { Command } from 'commander';
import { openSession, type ServerChoice, type Session } from '../server/connect.js';
import { createDisplay, paletteFor } from '../display/display.js';
import { JsonDisplay } from '../display/json-display.js';
import { EXIT, Exit, ServerUnreachable } from '../command-line/errors.js';
import { locateEmbeddedServer } from '../server/embedded-server.js';
import { readLeftOut } from '../run/left-out.js';
import { renderResources } from '../display/render-resources.js';
import { readResources } from '../run/resources.js';
import { renderLeftOut } from '../display/left-out.js';
import { Interrupt } from '../command-line/interrupt.js';
import type { RunView } from '../run/events.js';
import { followRun } from '../run/follow.js';
import { RemoteRun } from '../run/remote-run.js';
import { viewRun } from '../run/view-run.js';
import { addServerOptions } from '../command-line/options.js';
import { renderFailures, renderRun } from '../display/render-status.js';
import { wrapText } from '../display/word-wrap.js';
import { replacedBy, serverOf } from '../run/run-state.js';
import { findRun, hasRunRecord, lastSeenStatus, readRunRecord, type RunEntry } from '../run/run-index.js';
import { readRequest } from '../run/start-run.js';
import { resultObject } from '../display/run-end.js';
import type { RunStatus } from '../../workflows/messages.js';

interface StatusOptions extends ServerChoice {
  work?: string;
  watch?: boolean;
  json?: boolean;
}

export function createCommand(): Command {
  const command = new Command('status')
    .description(
      'Show the status of a run: its stages, what its workers are doing, what failed, and what its steps used',
    )
    .argument('[run]', 'run name, or the start of one', 'latest')
    .option('--watch', 'follow the run until it ends or is held')
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .option(
      '--json',
      'print one JSON object: {run, status, work, stages, failed, resources}; with --watch, before it one per event',
    );
  return addServerOptions(command).action(showStatus);
}

async function showStatus(name: string, options: StatusOptions): Promise<void> {
  const entry = findRun(name, options.work);
  const by = hasRunRecord(entry) ? undefined : await replacedBy(entry);
  if (by !== undefined) return showReplaced(entry, options, by);
  const session = await sessionIfAny(entry, options);
  try {
    if (session === undefined) return await showRecord(entry, options, 'the embedded server is not running');
    const state = await new RemoteRun(session.client, entry.run).state();
    if (state !== 'open') return await showRecord(entry, options, `the server reports: ${state}`);
    if (options.watch) await watch(session, entry, options);
    else await showOnce(session, entry, options);
  } finally {
    await session?.close();
  }
}

/** A named server must answer. An embedded server that is not running is not an error. */
async function sessionIfAny(entry: RunEntry, options: StatusOptions): Promise<Session | undefined> {
  const choice = serverOf(entry, options);
  try {
    return await openSession(choice, { start: false, log: () => undefined });
  } catch (error) {
    const named = choice.address ?? choice.profile ?? process.env.TEMPORAL_ADDRESS;
    if (error instanceof ServerUnreachable && named === undefined) return undefined;
    throw error;
  }
}

async function showOnce(session: Session, entry: RunEntry, options: StatusOptions): Promise<void> {
  let view: RunView;
  try {
    // Without its request, the run is shown with the default queues.
    const { queuePrefix } = await readRequest(entry).catch(() => ({ queuePrefix: undefined }));
    view = await viewRun(session.client, entry.run, queuePrefix);
  } catch {
    return showRecord(entry, options, 'it is open, but no worker answers');
  }
  const palette = paletteFor(process.stdout);
  const [left, page] = [await leftOutLines(entry, view.status), await webPage(session)];
  const used = await resourceLines(entry);
  await print(entry, view.status, options, () => [
    ...renderRun(view, palette),
    ...renderFailures(view.status, palette),
    ...left,
    ...used,
    ...page,
  ]);
}

/** The skipped and failed items that the status does not name. */
async function leftOutLines(entry: RunEntry, { stages }: RunStatus): Promise<string[]> {
  return renderLeftOut(await readLeftOut(entry, stages), stages, paletteFor(process.stdout));
}

async function resourceLines(entry: RunEntry): Promise<string[]> {
  return renderResources(await readResources(entry), paletteFor(process.stdout), process.stdout);
}

async function webPage({ kind }: Session): Promise<string[]> {
  const ui = kind === 'embedded' ? (await locateEmbeddedServer())?.ui : undefined;
  return ui ? [`Temporal's Web UI   ${ui}`] : [];
}

async function watch(session: Session, entry: RunEntry, options: StatusOptions): Promise<void> {
  const display = options.json ? new JsonDisplay() : createDisplay(process.stdout);
  const interrupt = new Interrupt();
  try {
    const status = await followRun(session, entry.run, {
      show: (view) => display.status(view),
      say: (line) => display.line(line),
      record: () => readRunRecord(entry),
      prefix: (await readRequest(entry)).queuePrefix,
      signal: interrupt.signal,
    });
    display.closed();
    if (status === undefined) return;
    if (options.json) await print(entry, status, options, () => []);
    else say([...renderFailures(status, paletteFor(process.stdout)), status.message]);
    if (status.state !== 'done') throw new Exit(EXIT.failed);
  } finally {
    display.closed();
    interrupt.dispose();
  }
}

/** Shows a run whose work folder another run has taken: it can do nothing more. */
async function showReplaced(entry: RunEntry, options: StatusOptions, by: string): Promise<void> {
  const palette = paletteFor(process.stdout);
  const { status: seen, at } = lastSeenStatus(entry) ?? { at: Date.now() };
  const { run, pipeline, work } = entry;
  const message = `replaced by run ${by}, which holds the work folder; finished work is kept`;
  const status: RunStatus = {
    run,
    pipeline,
    work,
    startedAt: at,
    stages: [],
    ...seen,
    state: 'replaced',
    message,
  };
  await print(entry, status, options, () => [
    ...renderRun({ status, activities: [], now: at }, palette),
    message,
    `see it      npx sam-mil status ${by}`,
    `resume      npx sam-mil resume ${run}   takes the work folder back and ends ${by}`,
  ]);
}

/** Shows a run that does not answer: how it ended, or its last known status and how to resume it. */
async function showRecord(entry: RunEntry, options: StatusOptions, why: string): Promise<void> {
  const record = readRunRecord(entry);
  const palette = paletteFor(process.stdout);
  if (record !== undefined) {
    const view = { status: record, activities: [], now: record.endedAt ?? Date.now() };
    const [left, used] = [await leftOutLines(entry, record), await resourceLines(entry)];
    return print(entry, record, options, () => [
      ...renderRun(view, palette),
      ...renderFailures(record, palette),
      ...left,
      ...used,
      record.message,
    ]);
  }
  const resumeLine = `resume it   npx sam-mil resume ${entry.run}`;
  const seen = lastSeenStatus(entry);
  if (seen !== undefined) {
    const { status, at } = seen;
    const trouble = `not running (${why}); showing its last known status`;
    const [left, used] = [await leftOutLines(entry, status), await resourceLines(entry)];
    return print(entry, status, options, () => [
      ...renderRun({ status, activities: [], now: at, trouble }, palette),
      ...renderFailures(status, palette),
      ...left,
      ...used,
      resumeLine,
    ]);
  }
  const nothing = {
    run: entry.run,
    status: 'stopped',
    work: entry.work,
    stages: [],
    failed: [],
    resources: [],
  };
  if (options.json) console.log(JSON.stringify(nothing));
  else say([`${entry.run}  not running (${why})`, resumeLine]);
}

async function print(
  entry: RunEntry,
  status: RunStatus,
  options: StatusOptions,
  text: () => string[],
): Promise<void> {
  if (!options.json) return say(text());
  const resources = await readResources(entry);
  console.log(JSON.stringify(resultObject(entry, { ended: 'result', status }, resources)));
}

function say(lines: readonly string[]): void {
  console.log(wrapText(lines.join('\n'), process.stdout));
}
