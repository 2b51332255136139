import { type Agreement, agreement } from './agreement.js';
import type { Side } from './machine.js';
import { type Measured, measure } from './measure.js';
import type { Part } from './parts.js';

type Failed = { failed: string };

interface PartResult {
  name: string;
  ours: Measured | Failed;
  peer: Measured | Failed;
  /** Our rates divided by those of each mode of PyTorch. */
  ratios: Record<string, number>;
  /** Of the features or logits of each side with those of PyTorch in fp32. */
  agreement: Record<string, Agreement | undefined>;
}

/** Runs both sides of a part, prints and returns it. The other side runs even if one fails. */
export async function runPart(
  part: Part,
  { ours, peer }: Record<'ours' | 'peer', Side>,
  left: () => number,
): Promise<PartResult> {
  const run = async (side: Side): Promise<Measured | Failed> => {
    try {
      return await measure(side.command(part.kind, part.task), side.environment, left());
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  };
  const measured = { ours: await run(ours), peer: await run(peer) };
  const result = { name: part.name, ...measured, ratios: {}, agreement: {} };
  return print({ ...result, ...compared(part, measured) });
}

function compared(
  part: Part,
  { ours, peer }: Pick<PartResult, 'ours' | 'peer'>,
): Pick<PartResult, 'ratios' | 'agreement'> {
  const ratios: PartResult['ratios'] = {};
  const agreements: PartResult['agreement'] = {};
  const modes = 'result' in peer ? Object.entries(peer.result) : [];
  for (const [mode, figures] of modes) {
    if (typeof figures !== 'object' || figures === null || !('result' in ours)) continue;
    for (const rate of part.rates) {
      const theirs = (figures as Record<string, unknown>)[rate];
      const our = ours.result[rate];
      if (typeof theirs === 'number' && typeof our === 'number') ratios[`${rate} / ${mode}`] = our / theirs;
    }
    agreements[mode] = agreement(`${part.task.features}.${mode}`, part.reference, part.rows);
  }
  agreements.ours = agreement(part.task.features, part.reference, part.rows);
  return { ratios, agreement: agreements };
}

function print(result: PartResult): PartResult {
  const describe = (side: Measured | Failed): string =>
    'failed' in side ? `FAILED ${side.failed}` : JSON.stringify(side, rounded);
  console.log(`${result.name}\n  ours ${describe(result.ours)}\n  peer ${describe(result.peer)}`);
  console.log(`  ratios ${JSON.stringify(result.ratios, rounded)}`);
  console.log(`  agreement ${JSON.stringify(result.agreement, rounded)}`);
  return result;
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
