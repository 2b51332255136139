// The rooms of the house and the one way in which imports run. ESLint's zones, the import graph and their
// tests read this table.

/**
 * Floors from the ground up. A room may import its own files and every room of a floor below; never a room
 * beside it or above. A room that holds other rooms (`domain`, `domain/pipeline`, `client`) stands here for
 * its own files only.
 */
export const FLOORS = [
  ['domain'],
  ['domain/files', 'domain/statistics'],
  ['domain/machine'],
  ['domain/engine'],
  ['domain/pathology/layouts'],
  ['domain/pathology/slides'],
  ['domain/pathology/annotations', 'domain/pathology/features'],
  [
    'domain/pathology/patch',
    'domain/pathology/segment',
    'domain/pathology/extract',
    'domain/pathology/assemble-cohort',
  ],
  ['domain/pathology/convert'],
  ['domain/mil/compute'],
  ['domain/mil/targets'],
  ['domain/mil/bags'],
  ['domain/mil/labels'],
  ['domain/mil/combine'],
  ['domain/mil/models'],
  ['domain/mil/split'],
  ['domain/mil/cohort'],
  [
    'domain/mil/train-fold',
    'domain/mil/evaluate',
    'domain/mil/heatmap',
    'domain/mil/import',
    'domain/mil/import-checkpoint',
    'domain/mil/predict',
  ],
  ['domain/pipeline'],
  ['domain/pipeline/report', 'domain/pipeline/copy'],
  ['activities/define'],
  ['activities/pathology', 'activities/mil', 'activities/pipeline'],
  ['activities/plugins'],
  ['activities/child'],
  ['activities/step'],
  ['activities/engine'],
  ['activities'],
  ['workflows'],
  ['.'],
  ['client/command-line'],
  ['client/server'],
  ['client/set-up'],
  ['client/run'],
  ['client/editor'],
  ['client/display'],
  ['client/init'],
  ['client/commands'],
  ['client'],
  ['test'],
  ['bench'],
];

export const ROOMS = FLOORS.flat();

const FLOOR_OF = new Map(FLOORS.flatMap((floor, index) => floor.map((room) => [room, index])));

/** The room of a source file, by its path below the checkout: the deepest one that holds it. */
export function roomOf(file) {
  const holding = ROOMS.filter((room) => (room === '.' ? !file.includes('/') : file.startsWith(`${room}/`)));
  return holding.sort((a, b) => b.length - a.length)[0];
}

export function mayImport(from, to) {
  return from === to || FLOOR_OF.get(to) < FLOOR_OF.get(from);
}

/**
 * Options of import-x/no-restricted-paths: it compares resolved paths, so neither `../../x` nor a type-only
 * import gets past it.
 */
export function zones() {
  return ROOMS.map((room) => ({
    target: filesOf(room),
    from: ROOMS.filter((other) => !mayImport(room, other)).map(filesOf),
    message: `${room} may import only rooms on floors below it (test/structure/rooms.mjs).`,
  })).filter(({ from }) => from.length > 0);
}

function filesOf(room) {
  if (room === '.') return './*.ts';
  const holdsRooms = ROOMS.some((other) => other.startsWith(`${room}/`));
  return holdsRooms ? `./${room}/*.ts` : `./${room}/**/*.ts`;
}
