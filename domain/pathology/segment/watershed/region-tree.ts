/**
 * Tree of merges of neighboring regions. Each step merges the pair whose union costs least by Ward's
 * criterion ("Hierarchical grouping to optimize an objective function", JASA 1963), restricted to neighbors
 * as in hierarchical step-wise optimization (Beaulieu and Goldberg, PAMI 1989).
 */
export interface RegionTree {
  /** Leaves are 0 to leaves - 1; node leaves + i is the i-th merge. */
  leaves: number;
  /** Per merge: the two merged nodes. */
  children: [number, number][];
}

export interface Region {
  /** Pixels. */
  size: number;
  /** Mean of each feature. */
  mean: Float64Array;
}

interface Candidate {
  cost: number;
  a: number;
  b: number;
}

/** @param borders pairs of leaves that touch; order and repetition do not matter */
export function mergeRegions(regions: readonly Region[], borders: Iterable<[number, number]>): RegionTree {
  const nodes = [...regions];
  const neighbors = nodes.map(() => new Set<number>());
  for (const [a, b] of borders) {
    neighbors[a].add(b);
    neighbors[b].add(a);
  }
  const queue = new CandidateQueue();
  neighbors.forEach((others, a) => {
    for (const b of others) if (a < b) queue.push({ cost: unionCost(nodes[a], nodes[b]), a, b });
  });
  const children: [number, number][] = [];
  const alive = nodes.map(() => true);
  for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
    const { a, b } = best;
    if (!alive[a] || !alive[b]) continue;
    const joined = nodes.length;
    nodes.push(union(nodes[a], nodes[b]));
    children.push([a, b]);
    alive[a] = alive[b] = false;
    alive.push(true);
    const around = new Set([...neighbors[a], ...neighbors[b]].filter((other) => alive[other]));
    neighbors.push(around);
    neighbors[a].clear();
    neighbors[b].clear();
    for (const other of around) {
      neighbors[other].add(joined);
      queue.push({ cost: unionCost(nodes[other], nodes[joined]), a: other, b: joined });
    }
  }
  return { leaves: regions.length, children };
}

/** Returns the node of each leaf when the tree is cut to `count` nodes (more if parts do not touch). */
export function cutTree({ leaves, children }: RegionTree, count: number): Int32Array {
  const merges = Math.max(0, Math.min(children.length, leaves - count));
  const root = Int32Array.from({ length: leaves + merges }, (_, node) => node);
  // Top-down, so that the root of a node is known before those of its children.
  for (let merge = merges - 1; merge >= 0; merge--) {
    for (const child of children[merge]) root[child] = root[leaves + merge];
  }
  return root.slice(0, leaves);
}

/** Increase of the sum of squared deviations by a merge. */
function unionCost(a: Region, b: Region): number {
  let distance = 0;
  for (let i = 0; i < a.mean.length; i++) distance += (a.mean[i] - b.mean[i]) ** 2;
  return ((a.size * b.size) / (a.size + b.size)) * distance;
}

function union(a: Region, b: Region): Region {
  const size = a.size + b.size;
  return { size, mean: a.mean.map((value, i) => (value * a.size + b.mean[i] * b.size) / size) };
}

/** Binary heap. Ties are resolved by node order, so that the tree does not depend on the insertion order. */
class CandidateQueue {
  private readonly heap: Candidate[] = [];

  push(item: Candidate): void {
    const { heap } = this;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  pop(): Candidate | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

function before(x: Candidate, y: Candidate): boolean {
  return x.cost !== y.cost ? x.cost < y.cost : x.a !== y.a ? x.a < y.a : x.b < y.b;
}
