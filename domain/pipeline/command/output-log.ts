/** Of each attempt's output, this much goes to the log at once, and the last lines at the end. */
export const LOGGED_CHARACTERS = 1 << 20;
const LOGGED_LINES = 20_000;
const LAST_LINES = 200;
/** Lines of output that the message of a failure contains. */
const MESSAGE_LINES = 20;

/**
 * Passes lines of output to the log of an item, up to a limit. Of what follows, it keeps only the last lines
 * in memory, and writes them when the program has ended, after a line that says how much was left out.
 */
export class OutputLog {
  private readonly write: (line: string) => void;
  private characters = 0;
  private lines = 0;
  private left: string[] = [];
  private omitted = 0;
  private readonly last: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };

  constructor(write: (line: string) => void) {
    this.write = write;
  }

  /** Number of lines so far. */
  get count(): number {
    return this.lines;
  }

  add(stream: 'stdout' | 'stderr', line: string): void {
    this.lines += 1;
    this.characters += line.length + 1;
    keep(this.last[stream], line, MESSAGE_LINES);
    if (this.characters <= LOGGED_CHARACTERS && this.lines <= LOGGED_LINES) this.write(line);
    else if (keep(this.left, line, LAST_LINES)) this.omitted += 1;
  }

  end(): void {
    if (this.omitted > 0) {
      const limit = `the log of an attempt has at most ${LOGGED_LINES} lines or 1 MiB`;
      this.write(`[${this.omitted} lines of output left out: ${limit}, and the last ${LAST_LINES} lines]`);
    }
    for (const line of this.left) this.write(line);
    this.left = [];
    this.omitted = 0;
  }

  /** The last lines of standard error, or of standard output if it is empty. */
  lastLines(): string {
    const { stdout, stderr } = this.last;
    const lines = stderr.length > 0 ? stderr : stdout;
    return lines.length === 0 ? 'it wrote no output' : `its last output:\n${lines.join('\n')}`;
  }
}

/** Adds a line. Returns whether one was dropped. */
function keep(lines: string[], line: string, most: number): boolean {
  lines.push(line);
  if (lines.length <= most) return false;
  lines.shift();
  return true;
}
