import { join } from 'node:path';
import { SamMilError } from '../../domain/errors.js';

/** What is known about a server that ended instead of answering. */
export interface StartFailure {
  /** `exit code 1`, or why its program could not be started. */
  how: string;
  /** Last line of its log. */
  line: string;
  log: string;
  /** State folder. */
  folder: string;
}

const IN_USE = /listen tcp \S*:(\d+): bind: address already in use/;
const DATABASE = /temporal-[\d.]+\.db/;
const MALFORMED = /file is not a database|disk image is malformed|no such (table|column)|SQLITE_CORRUPT/i;
const SECOND = /another server uses this state folder: process id (\d+)/;

/** The error for an embedded server that does not start, with the way out where the cause is known. */
export function startFailure({ how, line, log, folder }: StartFailure): SamMilError {
  const found = readable(line);
  const port = IN_USE.exec(line)?.[1];
  if (port !== undefined) {
    return new SamMilError('Unavailable', `another program uses port ${port} of this machine`, {
      found,
      next: 'choose another port with --port or --ui-port, or leave the option out for a free one',
    });
  }
  if (MALFORMED.test(line)) return damagedDatabase(folder, DATABASE.exec(line)?.[0], found);
  const pid = SECOND.exec(line)?.[1];
  if (pid !== undefined) {
    return new SamMilError('Unavailable', 'a server without a record uses the state folder', {
      file: folder,
      found,
      next: `end it with \`kill ${pid}\`, then repeat the command; open runs continue`,
    });
  }
  return new SamMilError('Unavailable', `the embedded Temporal server did not start (${how})`, {
    file: log,
    found,
    next: 'run `npx sam-mil doctor`',
  });
}

function damagedDatabase(folder: string, name: string | undefined, found: string): SamMilError {
  const aside = `for f in temporal-*.db*; do mv "$f" "damaged-$f"; done`;
  return new SamMilError('Unavailable', 'the database of the embedded Temporal server is damaged', {
    file: name === undefined ? folder : join(folder, name),
    found,
    next: `move it away with \`cd '${folder}' && ${aside}\`, then \`npx sam-mil resume RUN\` for each open run: the next start creates a new database, and finished work is kept in the work folders`,
  });
}

/** Temporal logs JSON; the program itself, text. */
function readable(line: string): string {
  try {
    const { msg, error } = JSON.parse(line) as { msg?: string; error?: string };
    return [msg, error].filter((part) => part !== undefined).join(': ');
  } catch {
    return line;
  }
}
