import { Command } from 'commander';
import { examineMachine } from '../set-up/doctor.js';
import type { Fact } from '../set-up/probe.js';
import { examineWeights, knownEntries } from '../../domain/machine/weights/inventory.js';
import type { WeightsEntry } from '../../domain/machine/weights/weights-entry.js';
import { chooseServer, openSession, type ServerChoice } from '../server/connect.js';
import { paletteFor } from '../display/display.js';
import { EXIT, Exit, exitCodeOf } from '../command-line/errors.js';
import { addServerOptions } from '../command-line/options.js';
import { SERVER, setUpNatives, STEP_PARTS } from '../set-up/set-up-natives.js';
import { formatBytes } from '../display/render-text.js';
import { stateFolder } from '../server/state-folder.js';
import { wrapText } from '../display/word-wrap.js';

interface DoctorOptions extends ServerChoice {
  setUp?: boolean;
  json?: boolean;
}

export function createCommand(): Command {
  const command = new Command('doctor')
    .description(
      'Check this machine (server, OpenSlide, TensorFlow, ONNX Runtime, GPUs, weights, Python, disk space) and show what is used and why',
    )
    .option('--set-up', 'download and build missing parts first')
    .option('--json', 'print one JSON object per line');
  return addServerOptions(command).action(doctor);
}

async function doctor(options: DoctorOptions): Promise<void> {
  if (options.setUp) await setUpNatives([SERVER, ...STEP_PARTS], (line) => console.error(`  ${line}`));
  const { fact: connection, error } = await examineServer(options);
  const facts = [...(await examineMachine()), weights(), connection];
  for (const fact of facts)
    console.log(options.json ? JSON.stringify(fact) : wrapText(render(fact), process.stdout));
  if (error !== undefined) throw new Exit(exitCodeOf(error));
  if (facts.some((fact) => fact.state === 'broken')) throw new Exit(EXIT.failed);
}

/** Some weights are downloaded automatically; all others are installed by a command. */
function weights(): Fact {
  const states = knownEntries().map(examineWeights);
  const namesIn = (requested: string) =>
    states.filter(({ state }) => state === requested).map(({ entry }) => entry.name);
  const [here, missing] = [namesIn('available'), namesIn('missing')];
  const damaged = states.flatMap(({ state, problem }) => (state === 'damaged' ? [problem ?? ''] : []));
  const automatic = states.flatMap(({ state, entry }) =>
    state === 'missing' && entry.automatic ? [onFirstUse(entry)] : [],
  );
  return {
    name: 'weights',
    state: damaged.length > 0 ? 'broken' : automatic.length > 0 ? 'missing' : 'ok',
    text: [...automatic, here.length > 0 ? `installed: ${here.join(', ')}` : 'none installed yet'].join('; '),
    details: [...damaged, `missing: ${missing.join(', ') || 'none'}; \`npx sam-mil models list\` shows all`],
  };
}

function onFirstUse({ name, bytes }: WeightsEntry): string {
  return `${name} is downloaded when first needed${bytes === undefined ? '' : ` (${formatBytes(bytes)})`}`;
}

/** Reports which server commands would use, and whether it answers. */
async function examineServer(choice: ServerChoice): Promise<{ fact: Fact; error?: unknown }> {
  const details = [`state folder ${stateFolder()}`];
  try {
    const target = await chooseServer(choice);
    if (target.kind === 'embedded' && target.address === undefined) {
      const text = 'embedded server, not running; `run` starts it automatically';
      return { fact: { name: 'connection', state: 'ok', text, details } };
    }
    const session = await openSession(choice, { start: false, log: () => undefined });
    await session.close();
    const kind = session.kind === 'embedded' ? 'embedded server' : 'external server';
    const text = `connected to the ${kind} at ${session.address}, namespace ${session.namespace}`;
    return { fact: { name: 'connection', state: 'ok', text, details } };
  } catch (error) {
    return { fact: { name: 'connection', state: 'broken', text: (error as Error).message, details }, error };
  }
}

function render(fact: Fact): string {
  const palette = paletteFor(process.stdout);
  const marks = {
    ok: palette.green('✔'),
    missing: palette.cyan('○'),
    warning: palette.yellow('!'),
    broken: palette.red('✘'),
  };
  const details = fact.details.map((detail) => `\n                ${palette.dim(detail)}`).join('');
  return `${marks[fact.state]} ${fact.name.padEnd(12)}  ${fact.text}${details}`;
}
