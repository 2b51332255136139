import type { WriteStream } from 'node:tty';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { workName, type Activity, type RunListener, type RunOutcome, type RunView } from '../run/events.js';
import { readRunPlan, type RunEntry } from '../run/run-index.js';
import { renderHeadline } from './render-error.js';
import { clip, formatDuration, oneLine } from './render-text.js';
import { resultLines } from './run-end.js';
import { countsText, renderRun, type Palette } from './render-status.js';
import { wrapText } from './word-wrap.js';
import { workingSeconds } from './working-time.js';

/** Creates the display of a run for people: a block redrawn in place on a terminal, plain lines elsewhere. */
export function createDisplay(stream: WriteStream): RunListener {
  const live = stream.isTTY && process.env.TERM !== 'dumb';
  return live ? new LiveDisplay(stream) : new PlainDisplay(stream);
}

/**
 * Returns colors unless NO_COLOR is set or the stream is a pipe; FORCE_COLOR enables them everywhere.
 * picocolors knows these rules but checks only stdout.
 */
export function paletteFor(stream: { isTTY?: boolean }): Palette {
  const colors = pc.createColors(
    pc.isColorSupported && (stream.isTTY === true || process.env.FORCE_COLOR !== undefined),
  );
  return colors.isColorSupported ? { ...colors, ...READABLE } : colors;
}

/** Sets a color of the 256-color table. */
function color(index: number): (text: string | number | null | undefined) => string {
  return (text) => `\u001b[38;5;${index}m${text}\u001b[39m`;
}

/**
 * In place of the terminal's own yellow, green and cyan, which few people can read on white: colors of medium
 * brightness, with a contrast of at least 4 to 1 to white and to black.
 */
const READABLE = { yellow: color(130), green: color(28), cyan: color(31) };

/** What both displays share. They write one line or block at a time, so output never interleaves. */
abstract class TextDisplay implements RunListener {
  protected readonly stream: WriteStream;
  protected readonly palette: Palette;

  constructor(stream: WriteStream) {
    this.stream = stream;
    this.palette = paletteFor(stream);
  }

  setUp(line: string): void {
    this.line(`  ${line}`);
  }

  async ended(entry: RunEntry, outcome: RunOutcome): Promise<void> {
    this.closed();
    const lines = await resultLines(entry, () => readRunPlan(entry), outcome, this.palette);
    this.stream.write(`${wrapText(lines.join('\n'), this.stream)}\n`);
  }

  abstract line(text: string): void;
  abstract status(view: RunView): void;
  abstract closed(): void;
}

/** A block at the bottom of the terminal that is redrawn in place. */
class LiveDisplay extends TextDisplay {
  private drawn: string[] = [];
  private readonly foreign: ForeignOutput;
  private readonly restore = () => this.stream.write('\u001b[?25h');

  constructor(stream: WriteStream) {
    super(stream);
    this.foreign = new ForeignOutput((text) => this.line(text));
    process.on('exit', this.restore);
  }

  status(view: RunView): void {
    this.draw(renderRun(view, this.palette));
  }

  line(text: string): void {
    this.stream.write(`${this.erase()}${wrapText(text, this.stream)}\n`);
    const block = this.drawn;
    this.drawn = [];
    this.draw(block);
  }

  closed(): void {
    this.foreign.release();
    process.off('exit', this.restore);
    this.restore();
    this.drawn = [];
  }

  private draw(lines: readonly string[]): void {
    // A block taller than the terminal cannot be redrawn in place, so its end is cut off.
    const rows = Math.max(1, (this.stream.rows || 24) - 1);
    const columns = this.columns;
    const shown = lines.slice(0, rows).map((line) => clip(line, columns));
    // One write, so that the terminal never shows half a block.
    this.stream.write(`\u001b[?25l${this.erase()}${shown.map((line) => `${line}\n`).join('')}`);
    this.drawn = shown;
  }

  /**
   * Moves to the start of the block and clears its rows one by one: tmux keeps a copy of a screen that is
   * cleared as a whole. A terminal that became narrower since has wrapped the lines that no longer fit.
   */
  private erase(): string {
    const rowsOf = (line: string) =>
      reflows() ? Math.max(1, Math.ceil(stringWidth(line) / this.columns)) : 1;
    const height = this.drawn.reduce((sum, line) => sum + rowsOf(line), 0);
    return `\r${'\u001b[1A\u001b[2K'.repeat(height)}`;
  }

  private get columns(): number {
    return this.stream.columns || 80;
  }
}

/** Whether the terminal wraps lines again when its width changes; xterm, screen and the console cut them. */
function reflows(): boolean {
  const { TERM = '', TMUX, XTERM_VERSION } = process.env;
  return TMUX !== undefined || (XTERM_VERSION === undefined && !/^(linux|screen)/.test(TERM));
}

/**
 * Captures what other code in this process writes to the terminal: it would shift the block and be
 * overwritten by it.
 */
class ForeignOutput {
  private readonly write = process.stderr.write.bind(process.stderr);
  private readonly warn: (warning: Error) => void;
  private readonly warners = process.listeners('warning');

  constructor(show: (text: string) => void) {
    this.warn = (warning) => show(`${warning.name}: ${warning.message}`);
    // Node bypasses the stream for warnings, so its listener is replaced by ours.
    process.removeAllListeners('warning').on('warning', this.warn);
    if (!process.stderr.isTTY) return;
    process.stderr.write = (chunk: string | Uint8Array): boolean => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      show(text.replace(/\n$/, ''));
      return true;
    };
  }

  release(): void {
    process.stderr.write = this.write;
    process.off('warning', this.warn);
    for (const listener of this.warners)
      if (!process.listeners('warning').includes(listener)) process.on('warning', listener);
  }
}

/** `make: a make: attempt 2, after Stalled: ...`; undefined for a first attempt. */
function retryText(activity: Activity): string | undefined {
  const { stage, attempt, lastFailure } = activity;
  if (attempt < 2) return undefined;
  const why = lastFailure === undefined ? '' : `, after ${renderHeadline(lastFailure)}`;
  return `${stage}: ${oneLine(workName(activity))}: attempt ${attempt}${why}`;
}

const SECONDS_BETWEEN_LINES = 10;

/**
 * For pipes and logs: prints a line when a stage changes state or an item fails, and its progress now and
 * then.
 */
class PlainDisplay extends TextDisplay {
  private readonly shown = new Map<string, { state: string; failed: number; counts: string; at: number }>();
  private readonly retried = new Set<string>();
  private trouble?: string;

  status(view: RunView): void {
    if (view.trouble !== this.trouble) {
      this.trouble = view.trouble;
      if (view.trouble !== undefined) this.line(view.trouble);
    }
    for (const line of view.activities.flatMap((activity) => retryText(activity) ?? [])) {
      if (!this.retried.has(line)) this.line(line);
      this.retried.add(line);
    }
    for (const stage of view.status.stages) {
      const counts = countsText(stage, this.palette, view.waiting?.[stage.name]);
      const before = this.shown.get(stage.name) ?? { state: 'waiting', failed: 0, counts: '', at: 0 };
      const changed = stage.state !== before.state || stage.failed > before.failed;
      const due = counts !== before.counts && view.now - before.at > SECONDS_BETWEEN_LINES * 1000;
      if (!changed && !(due && stage.state === 'running')) continue;
      this.shown.set(stage.name, { state: stage.state, failed: stage.failed, counts, at: view.now });
      const seconds = workingSeconds(stage, view.status, view.now);
      const elapsed = seconds === undefined ? '' : `, ${formatDuration(seconds)}`;
      this.line(`${stage.name}: ${stage.state}, ${counts.replaceAll('  ', ', ')}${elapsed}`);
    }
  }

  line(text: string): void {
    this.stream.write(`${text}\n`);
  }

  closed(): void {
    // Every line has been written.
  }
}
