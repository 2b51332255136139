import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SamMilError } from '../../errors.js';
import { asWriteError, commitTemporary } from '../../files/atomic.js';
import { isJsonObject } from '../../json.js';
import { httpGet, type HttpAnswer } from './http-get.js';
import { requireSpace } from './room-on-disk.js';

export interface Download {
  url: string;
  /** Where the file appears, whole. Until then it lies beside it as `.partial`, with a record of what it is a part of. The caller removes the folder. */
  path: string;
  /** Sizes the whole file may have; undefined: any. */
  sizes?: readonly number[];
  /** Called with every piece: bytes there, and of how many, where that is known. */
  progress?: (done: number, total: number | undefined) => void;
  /** What the person can do instead. */
  otherwise: string;
  /** Milliseconds before the first new attempt; each further one that brings nothing waits twice as long. */
  pause?: number;
}

/** Attempts in a row that bring nothing. */
const MOST_VAIN = 5;

/** What a partial file is a part of. */
interface Part {
  url: string;
  /** Strong ETag or date of change: the server compares it before it sends the rest. */
  validator?: string;
  total?: number;
}

/**
 * Brings a file by HTTP. A connection that breaks is taken up again where it broke; so is a download that was killed, where the server can send a
 * part and says that its file is still the same. The caller compares the digest.
 *
 * @throws SamMilError `Unavailable` where the server can't be reached or refuses, `InvalidInput` where it sends a file of another size, `DiskFull`
 */
export async function download(request: Download): Promise<void> {
  await mkdir(dirname(request.path), { recursive: true });
  let reached = false;
  for (let vain = 0; ; vain++) {
    const before = await partialSize(request);
    const outcome = await attempt(request, before);
    if (outcome === 'complete') break;
    reached ||= outcome.reached;
    if (outcome.final || !reached || vain >= MOST_VAIN) throw unavailable(request, outcome.reason);
    if ((await partialSize(request)) > before) vain = -1;
    await wait((request.pause ?? 1000) * 2 ** Math.max(0, vain));
  }
  // The record stays: should the caller be killed before it has used the file, the next download finds that nothing is missing.
  commitTemporary(partial(request), request.path);
}

interface Failure {
  reason: string;
  /** The server answered at all. A connection that never came about is not worth waiting for. */
  reached: boolean;
  /** Trying again can't help. */
  final?: boolean;
}

async function attempt(request: Download, have: number): Promise<'complete' | Failure> {
  let answer: HttpAnswer;
  const part = have > 0 ? readPart(request) : undefined;
  try {
    answer = await httpGet(request.url, part ? rangeHeaders(have, part) : {});
  } catch (error) {
    return { reason: reasonOf(error), reached: false };
  }
  try {
    return await receive(request, answer, part ? have : 0);
  } finally {
    await answer.close();
  }
}

async function receive(request: Download, answer: HttpAnswer, have: number): Promise<'complete' | Failure> {
  const { status } = answer;
  const failure = { reached: true, reason: `the server answers ${status}` };
  if (status === 416 && have > 0) {
    if (totalOf(answer, 0) === have) return 'complete';
    dropPartial(request);
    return failure;
  }
  const start = status === 206 ? rangeStart(answer) : 0;
  if (status !== 200 && status !== 206)
    return { ...failure, final: status < 500 && ![408, 425, 429].includes(status) };
  if (start !== 0 && start !== have) {
    dropPartial(request);
    return { ...failure, reason: `the server sends bytes from ${start} instead of ${have}` };
  }
  const total = totalOf(answer, start);
  checkSize(request, total);
  await requireSpace(dirname(request.path), (total ?? 0) - start);
  return save(request, answer, start, total);
}

async function save(
  request: Download,
  answer: HttpAnswer,
  start: number,
  total: number | undefined,
): Promise<'complete' | Failure> {
  // A part must never lie beside the record of another file.
  if (start === 0) {
    dropPartial(request);
    const record: Part = { url: request.url, validator: validatorOf(answer), total };
    writeFileSync(partRecord(request), JSON.stringify(record));
  }
  const file = await open(partial(request), start === 0 ? 'w' : 'r+');
  let done = start;
  request.progress?.(done, total);
  try {
    for await (const chunk of pieces(answer)) {
      checkLength(request, done + chunk.length);
      await write(file, chunk, done, request);
      done += chunk.length;
      request.progress?.(done, total);
    }
  } catch (error) {
    if (error instanceof SamMilError) throw error;
    return { reached: true, reason: reasonOf(error) };
  } finally {
    await file.close();
  }
  if (total === undefined || done === total) return 'complete';
  return { reached: true, reason: `the connection ended after ${done} of ${total} bytes` };
}

async function* pieces(answer: HttpAnswer): AsyncGenerator<Buffer> {
  for await (const chunk of answer.body) yield chunk as Buffer;
}

async function write(file: FileHandle, chunk: Buffer, position: number, request: Download): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) {
      done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
    }
  } catch (error) {
    const known = asWriteError(error, request.path);
    throw known instanceof SamMilError
      ? known
      : new SamMilError('Internal', reasonOf(error), { cause: error });
  }
}

function partial({ path }: Download): string {
  return `${path}.partial`;
}

function partRecord({ path }: Download): string {
  return `${path}.partial.json`;
}

function dropPartial(request: Download): void {
  for (const path of [partial(request), partRecord(request)]) rmSync(path, { force: true });
}

async function partialSize(request: Download): Promise<number> {
  // A download that another run finished, but did not get to use.
  if (existsSync(request.path)) renameSync(request.path, partial(request));
  return (await stat(partial(request)).catch(() => undefined))?.size ?? 0;
}

/** What the partial file is a part of; undefined where that is not known, or where it is a part of something else. */
function readPart(request: Download): Part | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(partRecord(request), 'utf8'));
    return isJsonObject(value) && value.url === request.url ? (value as unknown as Part) : undefined;
  } catch {
    return undefined;
  }
}

function rangeHeaders(have: number, { validator }: Part): Record<string, string> {
  const range = { range: `bytes=${have}-` };
  return validator === undefined ? range : { ...range, 'if-range': validator };
}

/** A weak ETag does not promise the same bytes. */
function validatorOf({ headers }: HttpAnswer): string | undefined {
  const etag = headers.etag;
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  const modified = headers['last-modified'];
  return typeof modified === 'string' ? modified : undefined;
}

function rangeStart({ headers }: HttpAnswer): number {
  const match = /^bytes (\d+)-/.exec(String(headers['content-range']));
  return match ? Number(match[1]) : 0;
}

/** Size of the whole file, where the server says it. */
function totalOf({ headers, status }: HttpAnswer, start: number): number | undefined {
  const range = /\/(\d+)$/.exec(String(headers['content-range']));
  if (range && status !== 200) return Number(range[1]);
  const length = Number(headers['content-length'] ?? Number.NaN);
  return status !== 416 && Number.isSafeInteger(length) ? start + length : undefined;
}

/** Another size is another file, such as a page that asks for a login: noticed before gigabytes have come. */
function checkSize(request: Download, total: number | undefined): void {
  const { sizes } = request;
  if (total === undefined || sizes === undefined || sizes.includes(total)) return;
  throw otherFile(request, sizes, `${total}`);
}

/** Where the server does not say how much comes, it must not fill the disk. */
function checkLength(request: Download, done: number): void {
  const { sizes } = request;
  if (sizes !== undefined && done > Math.max(...sizes)) throw otherFile(request, sizes, `${done} and more`);
}

function otherFile(request: Download, sizes: readonly number[], found: string): SamMilError {
  dropPartial(request);
  return new SamMilError('InvalidInput', 'the server sends another file', {
    file: request.url,
    expected: `${sizes.join(' or ')} bytes`,
    found,
    next: `look what is there in a browser (a login page?); ${request.otherwise}`,
  });
}

function unavailable(request: Download, reason: string): SamMilError {
  return new SamMilError('Unavailable', `could not be downloaded: ${reason}`, {
    file: request.url,
    next: request.otherwise,
  });
}

/** The network's errors hide the reason in `cause`, or in a list of one for each address. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return reasonOf(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
