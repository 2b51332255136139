import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import {
  pauseUpdate,
  resumeUpdate,
  setMaxParallelUpdate,
  skipUpdate,
  type MaxParallelRequest,
  type ResumeRequest,
  type RunStatus,
  type SkipRequest,
  type StageControl,
} from './messages.js';
import type { RunBook } from './run-book.js';

/** What the updates need of a run. */
export interface UpdatableRun {
  /** Absent until the plan has been read. */
  readonly book: RunBook | undefined;
  status(): RunStatus;
  /** Makes the scheduler look again. */
  touch(): void;
  /** Passes a change on to the stages that are running. */
  control(change: StageControl): void;
}

/**
 * Handles the updates of a run. Validators refuse, with the reason, updates that would have no effect: a
 * refused update leaves no trace in the history.
 */
export function handleUpdates(run: UpdatableRun): void {
  const changing = <A extends unknown[]>(change: (book: RunBook, ...args: A) => void) => {
    return (...args: A): RunStatus => {
      change(openBook(run), ...args);
      run.touch();
      return run.status();
    };
  };
  const checking = <A extends unknown[]>(check: (book: RunBook, ...args: A) => void) => {
    return { validator: (...args: A) => check(openBook(run), ...args) };
  };
  const setPaused = (book: RunBook, paused: boolean) => {
    book.paused = paused;
    run.control({ paused });
  };

  setHandler(
    pauseUpdate,
    changing((book) => setPaused(book, true)),
    checking((book) => {
      if (book.paused) refuse('the run is already paused');
    }),
  );
  setHandler(
    resumeUpdate,
    changing((book, request: ResumeRequest) => {
      if (book.paused) setPaused(book, false);
      book.retry(request.stages?.flatMap((stage) => book.heldAs(stage)) ?? book.in('held'));
    }),
    checking(checkResume),
  );
  setHandler(
    skipUpdate,
    changing((book, request: SkipRequest) => {
      const { stage, item } = targetOf(request);
      book.skip(book.heldAs(stage)[0], item, Date.now());
    }),
    checking(checkSkip),
  );
  setHandler(
    setMaxParallelUpdate,
    changing((book, { stage, maxParallel }: MaxParallelRequest) => {
      book.maxParallel[stage] = maxParallel;
      run.control({ maxParallel: { [stage]: maxParallel } });
    }),
    checking(checkMaxParallel),
  );
}

function checkResume(book: RunBook, request: ResumeRequest): void {
  const held = book.in('held');
  const unknown = request.stages?.find((stage) => book.heldAs(stage).length === 0);
  if (unknown !== undefined) {
    refuse(`stage \`${unknown}\` is not held; held stages: ${held.join(', ') || 'none'}`);
  }
  if (held.length === 0 && !book.paused)
    refuse('the run is neither paused nor held: it continues automatically');
}

function checkSkip(book: RunBook, request: SkipRequest): void {
  const held = book.in('held');
  const { stage, item } = targetOf(request);
  const [meant, ...others] = book.heldAs(stage);
  if (others.length > 0) {
    const at = item === undefined ? '' : `@${item}`;
    const cells = [meant, ...others].map((cell) => `${cell}${at}`).join(', ');
    refuse(`\`${stage}\` is held in more than one cell of its matrix; name one of them: ${cells}`);
  }
  if (meant === undefined) {
    refuse(
      `only a held stage can be skipped, and \`${stage}\` is not held; held stages: ${held.join(', ') || 'none'}`,
    );
  }
  if (item !== undefined) checkFailed(book, meant, item);
}

/** A run records only its first failures, so an item beyond them is accepted unchecked. */
function checkFailed(book: RunBook, stage: string, item: string): void {
  const { failures = [], failed = 0 } = book.statuses.find(({ name }) => name === stage) ?? {};
  const known = failures.map(({ key }) => key);
  if (known.length === failed && !known.includes(item)) {
    refuse(`no item \`${item}\` failed in \`${stage}\`; failed items: ${known.join(', ') || 'none'}`);
  }
}

function checkMaxParallel(book: RunBook, { stage, maxParallel }: MaxParallelRequest): void {
  if (!book.has(stage)) refuse(`the run has no stage \`${stage}\``);
  if (!Number.isInteger(maxParallel) || maxParallel < 1 || maxParallel > 1000) {
    refuse(`max-parallel must be a whole number from 1 to 1000, not ${maxParallel}`);
  }
}

/** `stage` or `stage@item`. */
function targetOf({ target }: SkipRequest): { stage: string; item?: string } {
  const at = target.indexOf('@');
  return at < 0 ? { stage: target } : { stage: target.slice(0, at), item: target.slice(at + 1) };
}

function openBook({ book }: UpdatableRun): RunBook {
  if (!book) refuse('the run is still reading its plan; try again in a moment');
  if (book.cancelled || book.over) refuse(`the run has ended (${book.state})`);
  return book;
}

function refuse(message: string): never {
  throw ApplicationFailure.create({ message, type: 'Refused', nonRetryable: true });
}
