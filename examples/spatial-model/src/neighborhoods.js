/**
 * Divides the grid of a bag into squares of `side` x `side` patches. Only squares with patches count. Group
 * rows, which have no place, form one neighborhood.
 *
 * @param bag `grid` holds the column and the row of each patch
 * @returns `of`: the neighborhood of each instance; `sizes`: the instances of each neighborhood
 */
export function neighborhoods(bag, side) {
  const known = new Map();
  const sizes = [];
  const of = Int32Array.from({ length: bag.rows }, (_, row) => {
    const [column, line] = [bag.grid[2 * row], bag.grid[2 * row + 1]].map((place) =>
      Math.floor(place / side),
    );
    const name = bag.isGroup[row] === 1 ? 'groups' : `${column} ${line}`;
    const index = known.get(name) ?? known.size;
    known.set(name, index);
    sizes[index] = (sizes[index] ?? 0) + 1;
    return index;
  });
  return { of, sizes };
}
