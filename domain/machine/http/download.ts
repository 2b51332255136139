import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SamMilError } from '../../errors.js';
import { asWriteError, commitTemporary } from '../../files/atomic.js';
import { isJsonObject } from '../../json.js';
import { redactUrls } from './redact-url.js';
import { describeFailure } from './describe-failure.js';
import { httpGet, isLostConnection, type HttpAnswer, type HttpHeaders } from './http-get.js';
import { requireSpace } from './room-on-disk.js';

export interface Download {
  url: string;
  /**
   * Where the complete file appears. Until then a `.partial` file next to it holds the data, with a record of
   * its origin. The caller removes the folder.
   */
  path: string;
  /** Valid sizes of the complete file. Undefined accepts any size. */
  sizes?: readonly number[];
  /** See `HttpOptions.authorization`. */
  authorization?: string;
  /** Explains a final refusal, if the server says more than its status. */
  explain?: (status: number, headers: HttpHeaders) => SamMilError | undefined;
  /** Called for each chunk with the bytes received and, if known, the total. */
  progress?: (done: number, total: number | undefined) => void;
  /** What the user can do instead if the download fails. */
  otherwise: string;
  /** Milliseconds before the first retry. The delay doubles with each attempt that receives no data. */
  pause?: number;
  /** See `HttpOptions.silence`. */
  silence?: number;
}

/** Maximum number of consecutive attempts that do not add this many bytes to the most received so far. */
const MAX_IDLE_ATTEMPTS = 5;
const WORTHWHILE_BYTES = 64 << 10;

/** The origin of a partial file. */
interface Part {
  /** Without passwords and query. */
  url: string;
  /** Strong ETag or modification date, which the server compares before it sends the rest. */
  validator?: string;
  /** {@link linkedDigest} */
  linked?: string;
  total?: number;
}

/** What the server that was asked states about the file. */
export interface Downloaded {
  headers: HttpHeaders;
}

/**
 * Downloads a file over HTTP. After a lost connection or a killed process, the download resumes where it
 * stopped, provided that the server supports ranges and confirms that its file is unchanged. The caller
 * compares the digest.
 *
 * @throws SamMilError `Unavailable` where the server cannot be reached or refuses, `InvalidInput` where its
 *   file has an unexpected size, `DiskFull`
 */
export async function download(request: Download): Promise<Downloaded> {
  await mkdir(dirname(request.path), { recursive: true });
  let reached = false;
  let most = 0;
  let headers: HttpHeaders;
  for (let idle = 0; ; idle++) {
    const before = await partialSize(request);
    const outcome = await attempt(request, before);
    if ('headers' in outcome) {
      headers = outcome.headers;
      break;
    }
    reached ||= outcome.reached;
    if (outcome.final || !reached || idle >= MAX_IDLE_ATTEMPTS) throw unavailable(request, outcome.reason);
    const now = await partialSize(request);
    if (now >= most + WORTHWHILE_BYTES) [idle, most] = [-1, now];
    await wait((request.pause ?? 1000) * 2 ** Math.max(0, idle));
  }
  // The record stays: if the caller is killed before it has used the file, the next download finds it
  // complete.
  commitTemporary(partial(request), request.path);
  return { headers };
}

/**
 * SHA-256 of the complete file as the Hugging Face hub states it, in hexadecimal. The server that the hub
 * redirects to knows only its own validators.
 */
export function linkedDigest(headers: HttpHeaders): string | undefined {
  const tag = headers['x-linked-etag'];
  return /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(typeof tag === 'string' ? tag : '')?.[1];
}

interface Failure {
  reason: string;
  /** Whether the server answered. If it never did, there are no retries. */
  reached: boolean;
  /** Retrying cannot help. */
  final?: boolean;
}

async function attempt(request: Download, have: number): Promise<Downloaded | Failure> {
  let answer: HttpAnswer;
  const record = have > 0 ? readPart(request) : undefined;
  const part = record && { ...record, have };
  try {
    const headers = part ? rangeHeaders(part.have, part) : {};
    const { authorization, silence } = request;
    answer = await httpGet(request.url, { headers, authorization, silence });
  } catch (error) {
    return { reason: describeFailure(error), reached: isLostConnection(error) };
  }
  try {
    const outcome = await receive(request, answer, part);
    return outcome === 'complete' ? { headers: answer.firstHeaders } : outcome;
  } finally {
    answer.close();
  }
}

async function receive(
  request: Download,
  answer: HttpAnswer,
  part: (Part & { have: number }) | undefined,
): Promise<'complete' | Failure> {
  const { status } = answer;
  const { have } = part ?? { have: 0 };
  const failure = { reached: true, reason: `the server responded with HTTP status ${status}` };
  const other = linkedDigest(answer.firstHeaders) !== part?.linked;
  if (status === 206 && other) {
    dropPartial(request);
    return { ...failure, reason: 'the file on the server changed' };
  }
  if (status === 416 && have > 0) {
    if (readTotal(answer, 0) === have && !other) return 'complete';
    dropPartial(request);
    return failure;
  }
  const start = status === 206 ? rangeStart(answer) : 0;
  if (status !== 200 && status !== 206) {
    const asked = answer.url.origin === new URL(request.url).origin;
    // A signed address to which the server redirects may have expired; the next attempt gets another.
    const passing = [408, 425, 429, ...(asked ? [] : [401, 403])];
    const explained = asked ? request.explain?.(status, answer.headers) : undefined;
    if (explained !== undefined) throw explained;
    return { ...failure, final: status < 500 && !passing.includes(status) };
  }
  if (start !== 0 && start !== have) {
    dropPartial(request);
    return { ...failure, reason: `the server sent bytes from ${start} instead of ${have}` };
  }
  const total = readTotal(answer, start);
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
  // A partial file must never be paired with the record of another file.
  if (start === 0) {
    dropPartial(request);
    const record: Part = {
      url: redactUrls(request.url),
      validator: readValidator(answer),
      linked: linkedDigest(answer.firstHeaders),
      total,
    };
    writeFileSync(partRecord(request), JSON.stringify(record));
  }
  const file = await open(partial(request), start === 0 ? 'w' : 'r+');
  let done = start;
  request.progress?.(done, total);
  try {
    for await (const chunk of answer.body) {
      checkLength(request, done + chunk.length);
      await write(file, chunk, done, request);
      done += chunk.length;
      request.progress?.(done, total);
    }
  } catch (error) {
    if (error instanceof SamMilError) throw error;
    return { reached: true, reason: describeFailure(error) };
  } finally {
    await file.close();
  }
  if (total === undefined || done === total) return 'complete';
  return { reached: true, reason: `the connection ended after ${done} of ${total} bytes` };
}

async function write(
  file: FileHandle,
  chunk: Uint8Array,
  position: number,
  request: Download,
): Promise<void> {
  try {
    for (let done = 0; done < chunk.length;) {
      done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
    }
  } catch (error) {
    const known = asWriteError(error, request.path);
    throw known instanceof SamMilError
      ? known
      : new SamMilError('Internal', describeFailure(error), { cause: error });
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
  // An earlier run completed this download but did not use it.
  if (existsSync(request.path)) renameSync(request.path, partial(request));
  return (await stat(partial(request)).catch(() => undefined))?.size ?? 0;
}

/** The origin of the partial file, or undefined if it is unknown or differs from the request. */
function readPart(request: Download): Part | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(partRecord(request), 'utf8'));
    return isJsonObject(value) && value.url === redactUrls(request.url)
      ? (value as unknown as Part)
      : undefined;
  } catch {
    return undefined;
  }
}

function rangeHeaders(have: number, { validator }: Part): Record<string, string> {
  const range = { range: `bytes=${have}-` };
  return validator === undefined ? range : { ...range, 'if-range': validator };
}

/** A weak ETag does not guarantee identical bytes. */
function readValidator({ headers }: HttpAnswer): string | undefined {
  const etag = headers.etag;
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  const modified = headers['last-modified'];
  return typeof modified === 'string' ? modified : undefined;
}

function rangeStart({ headers }: HttpAnswer): number {
  const match = /^bytes (\d+)-/.exec(String(headers['content-range']));
  return match ? Number(match[1]) : 0;
}

/** Size of the complete file, if the server states it. */
function readTotal({ headers, status }: HttpAnswer, start: number): number | undefined {
  const range = /\/(\d+)$/.exec(String(headers['content-range']));
  if (range && status !== 200) return Number(range[1]);
  const length = Number(headers['content-length'] ?? Number.NaN);
  return status !== 416 && Number.isSafeInteger(length) ? start + length : undefined;
}

/**
 * A different size means a different file, such as a login page. This is detected before gigabytes arrive.
 */
function checkSize(request: Download, total: number | undefined): void {
  const { sizes } = request;
  if (total === undefined || sizes === undefined || sizes.includes(total)) return;
  throw otherFile(request, sizes, `${total} bytes`);
}

/** A server that does not state the size must not fill the disk. */
function checkLength(request: Download, done: number): void {
  const { sizes } = request;
  if (sizes !== undefined && done > Math.max(...sizes))
    throw otherFile(request, sizes, `at least ${done} bytes`);
}

function otherFile(request: Download, sizes: readonly number[], found: string): SamMilError {
  dropPartial(request);
  return new SamMilError('InvalidInput', 'the server sent a different file', {
    file: redactUrls(request.url),
    expected: `${sizes.join(' or ')} bytes`,
    found,
    next: `open the address in a browser (it may show a login page); ${request.otherwise}`,
  });
}

function unavailable(request: Download, reason: string): SamMilError {
  return new SamMilError('Unavailable', `download failed: ${reason}`, {
    file: redactUrls(request.url),
    next: request.otherwise,
  });
}
