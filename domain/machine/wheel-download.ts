import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { isJsonObject } from '../json.js';
import { lastLine, runCommand } from './run-command.js';
import type { WheelFile, WheelRequest } from './wheel-request.js';

/**
 * A failed download does not throw: the next method is tried, and one error lists all failures if none
 * succeeds.
 */
export type DownloadOutcome = { path: string } | { failure: string };

type RequestedWheel = Pick<WheelRequest, 'package' | 'version' | 'python'>;

const PYTHONS = ['python3', 'python'];

/** Downloads exactly one file into `folder` with `python3 -m pip download`. */
export async function downloadWithPip(
  requested: RequestedWheel,
  file: WheelFile,
  folder: string,
): Promise<DownloadOutcome> {
  const failures: string[] = [];
  for (const python of PYTHONS) {
    const result = await runCommand(python, ['-m', ...pipArguments(requested, file, folder)]);
    const name = (await readdir(folder)).find((entry) => entry.endsWith('.whl'));
    if (result.code === 0 && name !== undefined) return { path: join(folder, name) };
    failures.push(`${python} -m pip download: ${errorLine(result.stderr) ?? lastLine(result)}`);
  }
  return { failure: failures[0] };
}

function pipArguments(requested: RequestedWheel, file: WheelFile, folder: string): string[] {
  const args = ['pip', 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--retries', '2'];
  args.push('--disable-pip-version-check', '--quiet', '--dest', folder);
  if (file.platform !== 'any') args.push('--platform', file.platform);
  if (requested.python !== undefined)
    args.push('--python-version', requested.python, '--implementation', 'cp');
  return [...args, `${requested.package}==${requested.version}`];
}

function errorLine(text: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith('ERROR:'));
}

/**
 * Downloads the file with the pinned digest from the simple index at PIP_INDEX_URL, which may answer in JSON
 * or HTML.
 */
export async function downloadFromIndex(
  requested: RequestedWheel,
  file: WheelFile,
  folder: string,
): Promise<DownloadOutcome> {
  const index = process.env.PIP_INDEX_URL;
  if (!index) return { failure: 'PIP_INDEX_URL is not set, so no package index can be queried without pip' };
  try {
    const name = requested.package.toLowerCase().replaceAll(/[-_.]+/g, '-');
    const pageUrl = new URL(`${name}/`, index.endsWith('/') ? index : `${index}/`);
    const page = await request(pageUrl, {
      Accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5',
    });
    const link = findLink(await page.text(), page.url, file.sha256);
    if (link === undefined)
      return { failure: `the index at PIP_INDEX_URL lists no file with sha256 ${file.sha256}` };
    const path = join(folder, `${name}.whl`);
    if (link.host === pageUrl.host) [link.username, link.password] = [pageUrl.username, pageUrl.password];
    const answer = await request(link, {});
    await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(path));
    return { path };
  } catch (error) {
    return { failure: `the index at PIP_INDEX_URL: ${describe(error)}` };
  }
}

/**
 * fetch() rejects a URL that contains a password, so the password is sent as a header. It must never be
 * printed.
 */
async function request(url: URL, headers: Record<string, string>): Promise<Response> {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  if (url.username !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.Authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }
  const answer = await fetch(bare, { headers });
  if (!answer.ok || answer.body === null) throw new Error(`HTTP status ${answer.status}`);
  return answer;
}

/** The digest alone identifies the file, so file names are not parsed. */
function findLink(page: string, base: string, sha256: string): URL | undefined {
  const href = page.trimStart().startsWith('{') ? findJsonLink(page, sha256) : findHtmlLink(page, sha256);
  return href === undefined ? undefined : new URL(href, base);
}

function findJsonLink(page: string, sha256: string): string | undefined {
  const body = JSON.parse(page) as { files?: unknown };
  const files = Array.isArray(body.files) ? body.files.filter(isJsonObject) : [];
  const match = files.find((entry) => isJsonObject(entry.hashes) && entry.hashes.sha256 === sha256);
  return typeof match?.url === 'string' ? match.url : undefined;
}

function findHtmlLink(page: string, sha256: string): string | undefined {
  const links = [...page.matchAll(/<a\s[^>]*href="([^"]+)"/gi)].map((match) =>
    match[1].replaceAll('&amp;', '&'),
  );
  return links.find((href) => href.endsWith(`#sha256=${sha256}`));
}

/** fetch() puts the reason in `cause`. */
function describe(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
