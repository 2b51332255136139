/**
 * What another account of the machine tries on an open run, with its files and as a Temporal client:
 * `stranger STATE-FOLDER RUN PLAN-FILE PORT ...`. Prints one line per attempt that succeeded.
 * `test/support/port-knocks.mjs` only knocks at ports, without any dependency.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { digestOf } from '../../../domain/digest.js';
import { engineQueue, RUN_WORKFLOW } from '../../../workflows/messages.js';

const [state, run, plan, ...ports] = process.argv.slice(2);
const ANSWER_MILLISECONDS = 3000;

function readable(path: string): string[] {
  try {
    if (statSync(path).isDirectory())
      return [`lists ${path}`, ...readdirSync(path).flatMap((name) => readable(join(path, name)))];
    readFileSync(path);
    return [`reads ${path}`];
  } catch {
    return [];
  }
}

/** A call without credentials, to any port, with and without TLS. */
function lists(origin: string): Promise<string[]> {
  return new Promise((done) => {
    const session = connect(origin, { rejectUnauthorized: false });
    const end = (result: string[]) => {
      session.destroy();
      done(result);
    };
    session.on('error', () => end([]));
    setTimeout(() => end([]), ANSWER_MILLISECONDS).unref();
    const call = session.request({
      ':method': 'POST',
      ':path': '/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const accept = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] === '0') end([`lists the namespaces at ${origin}`]);
    };
    call.on('response', accept).on('trailers', accept);
    call.on('error', () => end([])).on('end', () => setTimeout(() => end([]), 100));
    call.resume();
    call.end(Buffer.alloc(5));
  });
}

/** What the Web UI and the HTTP API show. */
async function browses(port: string): Promise<string[]> {
  const url = `http://127.0.0.1:${port}/api/v1/namespaces/default/workflows`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MILLISECONDS) }).catch(
    () => undefined,
  );
  return answer?.ok === true ? [`lists the workflows at ${url}`] : [];
}

async function acts(port: string): Promise<string[]> {
  const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
  const client = new Client({ connection });
  const attempt = async (what: string, call: () => Promise<unknown>): Promise<string[]> => {
    try {
      await connection.withDeadline(Date.now() + ANSWER_MILLISECONDS, call);
      return [what];
    } catch {
      return [];
    }
  };
  const header = { pipeline: 'stranger', description: '', work: '', source: '' };
  const input = {
    run: 'stranger',
    plan: { path: plan, digest: digestOf(readFileSync(plan, 'utf8')) },
    header,
  };
  const start = () =>
    client.workflow.start(RUN_WORKFLOW, { taskQueue: engineQueue(), workflowId: 'stranger', args: [input] });
  const done = [
    ...(await attempt(`reads the history at port ${port}`, () =>
      client.workflow.getHandle(run).fetchHistory(),
    )),
    ...(await attempt(`starts a run at port ${port}`, start)),
    ...(await attempt(`ends the owner's run at port ${port}`, () =>
      client.workflow.getHandle(run).terminate(),
    )),
  ];
  await connection.close();
  return done;
}

const calls = ports.flatMap((port) => [
  lists(`http://127.0.0.1:${port}`),
  lists(`https://127.0.0.1:${port}`),
  browses(port),
  acts(port),
]);
console.log([...readable(state), ...(await Promise.all(calls)).flat()].join('\n'));
process.exit(0);
