import { kernels, tf, type Scalar, type Tensor } from './backend.js';
import type { Weights } from './parameters.js';
import { recorded, type Operation } from './tensorflow-internals.js';

/**
 * Value and gradients of `f` by the named weights; names it does not depend on are left out. What TensorFlow.js does in `variableGrads`, but every
 * recorded activation and every gradient on the way is let go as soon as it was used, as PyTorch does: half the memory for TransMIL. To let go of
 * intermediate results in `f` as well, wrap its parts in `tf.tidy`; what the gradients need is kept all the same.
 */
export function differentiate(
  f: () => Scalar,
  names: readonly string[],
  weights: Weights,
): { loss: Scalar; gradients: Weights } {
  const { value: loss, operations } = recorded(tf, f);
  const wanted = new Map(names.map((name) => [weights[name].id, name]));
  const found = backpropagate(relevant(operations, new Set(wanted.keys()), loss), loss);
  const gradients: Weights = {};
  for (const [id, gradient] of found) gradients[wanted.get(id) as string] = gradient;
  return { loss, gradients };
}

/** A node with those of its inputs through which the wanted weights reach it. */
interface RelevantNode {
  node: Operation;
  inputs: [string, Tensor][];
}

/** The nodes on a way from the wanted weights to the loss, in order. What the others saved is let go. */
function relevant(tape: readonly Operation[], wanted: ReadonlySet<number>, loss: Tensor): RelevantNode[] {
  const fromWeights = new Set(wanted);
  const reached = tape.map((node) => {
    const inputs = Object.entries(node.inputs).filter(([, input]) => fromWeights.has(input.id));
    if (inputs.length > 0) node.outputs.forEach((output) => fromWeights.add(output.id));
    return { node, inputs };
  });
  const toLoss = new Set([loss.id]);
  const kept: RelevantNode[] = [];
  for (const entry of reached.reverse()) {
    const { node, inputs } = entry;
    if (inputs.length === 0 || !node.outputs.some(({ id }) => toLoss.has(id))) {
      tf.dispose(node.saved);
      continue;
    }
    inputs.forEach(([, input]) => toLoss.add(input.id));
    kept.push(entry);
  }
  return kept.reverse();
}

/** Gradients by tensor id of what no node made: the weights. Uses up the nodes. */
function backpropagate(nodes: readonly RelevantNode[], loss: Tensor): Map<number, Tensor> {
  const gradients = new Map<number, Tensor>([[loss.id, tf.scalar(1)]]);
  for (const { node, inputs } of [...nodes].reverse()) {
    const dys = node.outputs.map(({ id }) => gradients.get(id) ?? null);
    const parts = gradientsOf(node, inputs, dys);
    inputs.forEach(([, input], i) => accumulate(gradients, input.id, parts[i]));
    node.outputs.forEach(({ id }) => gradients.delete(id));
    tf.dispose([...dys.filter((dy) => dy !== null), ...node.saved]);
  }
  if (nodes.length === 0) tf.dispose([...gradients.values()]);
  gradients.delete(loss.id);
  return gradients;
}

function gradientsOf(
  { gradient }: Operation,
  inputs: readonly [string, Tensor][],
  dys: readonly (Tensor | null)[],
): Tensor[] {
  if (gradient === undefined) throw new Error('an operation without a gradient lies on the way to the loss');
  const given = new Set(dys.map((dy) => dy?.id));
  return tf.tidy(() => {
    const functions = gradient([...dys]);
    return inputs.map(([name]) => {
      const part = functions[name]();
      // Some gradients are the incoming one itself, which is let go after this.
      return given.has(part.id) ? tf.clone(part) : part;
    });
  });
}

function accumulate(gradients: Map<number, Tensor>, id: number, part: Tensor): void {
  const before = gradients.get(id);
  if (before === undefined) {
    gradients.set(id, part);
    return;
  }
  gradients.set(id, kernels.plus(before, part));
  tf.dispose([before, part]);
}
