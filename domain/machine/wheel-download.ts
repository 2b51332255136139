import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findingText, SamMilError } from '../errors.js';
import { isJsonObject } from '../json.js';
import { describeFailure } from './http/describe-failure.js';
import { download } from './http/download.js';
import { readPage } from './http/read-page.js';
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
    const page = await readPage(pageUrl, 'application/vnd.pypi.simple.v1+json, text/html;q=0.5');
    const link = findLink(page.text, page.url, file.sha256);
    if (link === undefined)
      return { failure: `the index at PIP_INDEX_URL lists no file with sha256 ${file.sha256}` };
    const path = join(folder, `${name}.whl`);
    if (link.host === pageUrl.host) [link.username, link.password] = [pageUrl.username, pageUrl.password];
    await download({ url: link.href, path, otherwise: 'set PIP_INDEX_URL to another index' });
    return { path };
  } catch (error) {
    const reason = error instanceof SamMilError ? findingText(error) : describeFailure(error);
    return { failure: `the index at PIP_INDEX_URL: ${reason}` };
  }
}

/** The digest alone identifies the file, so file names are not parsed. */
function findLink(page: string, base: URL, sha256: string): URL | undefined {
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
