import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { digestOf } from '../../domain/digest.js';
import type { JsonObject } from '../../domain/json.js';
import { PLAN } from '../../domain/engine/language/plan/plan-record.js';
import type { Plan, StagePlan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import { planPath } from '../../domain/engine/store/paths.js';
import { startWorker, type RunningWorker, type WorkerSettings } from '../../worker.js';
import type { pipelineRun } from '../../workflows/index.js';
import {
  engineQueue,
  RUN_WORKFLOW,
  statusQuery,
  type RunInput,
  type RunStatus,
} from '../../workflows/messages.js';
import { leaseFor } from './lease.js';
import { TestServer } from './server.js';

export const STUB_PLUGIN = fileURLToPath(new URL('./stub-plugin.js', import.meta.url));

/** Server, worker and client in this process, over real sockets. */
export class TestEngine {
  readonly server: TestServer;
  readonly client: Client;
  private readonly worker: RunningWorker;
  private runs = 0;

  private constructor(server: TestServer, client: Client, worker: RunningWorker) {
    this.server = server;
    this.client = client;
    this.worker = worker;
  }

  static async start(settings: Partial<WorkerSettings> = {}): Promise<TestEngine> {
    const server = await TestServer.start();
    const connection = await Connection.connect(server.connection);
    const worker = await startWorker({
      connection: server.connection,
      plugins: [STUB_PLUGIN],
      concurrency: { cpu: 8 },
      graceMs: 0,
      logLevel: 'ERROR',
      ...settings,
    });
    return new TestEngine(server, new Client({ connection }), worker);
  }

  async stop(): Promise<void> {
    await this.worker.shutdown();
    await this.client.connection.close();
    await this.server.stop();
  }

  /** Starts a run of the plan; its id is new unless given. */
  async run(plan: Plan, input: Partial<RunInput> = {}): Promise<WorkflowHandle<typeof pipelineRun>> {
    const run = input.run ?? `${plan.name}-${++this.runs}`;
    return startRun(this.client, plan, { run, ...input });
  }

  /** Runs the plan to its end, successful or not. */
  async finish(plan: Plan, input: Partial<RunInput> = {}): Promise<RunStatus> {
    return ended(await this.run(plan, input));
  }
}

export async function startRun(
  client: Client,
  plan: Plan,
  input: Partial<RunInput> & { run: string },
): Promise<WorkflowHandle<typeof pipelineRun>> {
  const path = planPath(plan.work, input.run);
  const text = PLAN.text(plan);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const { name, description, work, source } = plan;
  const header = { pipeline: name, description, work, source: source.path };
  const lease = input.lease ?? (await leaseFor(work, input.run));
  return client.workflow.start<typeof pipelineRun>(RUN_WORKFLOW, {
    taskQueue: engineQueue(input.queuePrefix),
    workflowId: input.run,
    args: [{ plan: { path, digest: digestOf(text) }, header, ...input, lease }],
  });
}

/** The status a run ends with; of a failed one, that in its failure. */
export async function ended(handle: WorkflowHandle<typeof pipelineRun>): Promise<RunStatus> {
  try {
    return await handle.result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure && cause.type === 'RunFailed')
      return cause.details?.[0] as RunStatus;
    throw cause instanceof Error ? cause : error;
  }
}

/** Waits until the run's status matches. */
export async function until(
  handle: WorkflowHandle<typeof pipelineRun>,
  wanted: (status: RunStatus) => boolean,
  ms = 20_000,
): Promise<RunStatus> {
  const deadline = Date.now() + ms;
  for (;;) {
    const status = await handle.query(statusQuery);
    if (wanted(status)) return status;
    if (Date.now() > deadline) throw new Error(`the run did not come to that: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function stageIn(status: RunStatus, name: string): RunStatus['stages'][number] {
  const found = status.stages.find((stage) => stage.name === name);
  if (!found) throw new Error(`no stage ${name} in ${JSON.stringify(status)}`);
  return found;
}

export type StepSketch = { id?: string; uses: string; with?: JsonObject } & Partial<StepPlan>;
type StageSketch = { name: string; steps: StepSketch[] } & Partial<Omit<StagePlan, 'steps'>>;

/** A plan from its interesting parts. */
export function planOf(work: string, stages: StageSketch[], parts: Partial<Plan> = {}): Plan {
  return {
    plan: 1,
    name: 'test',
    description: '',
    source: { path: join(work, 'test.yaml'), digest: 'sha256:0' },
    base: work,
    work,
    params: {},
    onFailure: 'hold',
    stages: stages.map(stageOf),
    ...parts,
  };
}

function stageOf(sketch: StageSketch): StagePlan {
  return {
    needs: [],
    source: { kind: 'single' },
    maxParallel: 8,
    failFast: false,
    minSuccess: 1,
    ...sketch,
    steps: sketch.steps.map((step) => ({
      id: step.uses.split('.')[1],
      version: 1,
      with: {},
      queue: 'cpu',
      timeout: '1m',
      heartbeat: '20s',
      retry: {
        maxAttempts: 3,
        initialInterval: '50ms',
        backoffCoefficient: 1,
        maximumInterval: '1s',
        nonRetryable: [],
      },
      ...step,
    })),
  };
}

/** A source of `count` items called `item-000` and so on. */
export function manyItems(count: number, prefix = 'item'): StagePlan['source'] {
  const digits = String(count - 1).length;
  const value = Array.from({ length: count }, (_, index) => ({
    name: `${prefix}-${String(index).padStart(digits, '0')}`,
  }));
  return { kind: 'list', value, as: 'item' };
}
