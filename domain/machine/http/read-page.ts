import { setTimeout as wait } from 'node:timers/promises';
import { httpGet, isLostConnection } from './http-get.js';

const ATTEMPTS = 4;
const PAUSE_MS = 500;
const MAX_BYTES = 64 << 20;

export interface Page {
  text: string;
  /** The URL that answered, after redirects. It may contain a password. */
  url: URL;
}

/**
 * Reads a page of text, such as the list of a package index. Retries after a lost connection and if the
 * server is busy.
 * @throws Error of the network, or with the HTTP status
 */
export async function readPage(url: URL, accept: string): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    try {
      const page = await readOnce(url, accept);
      if ('text' in page) return page;
      const busy = page.status >= 500 || page.status === 429;
      if (!busy || attempt === ATTEMPTS) throw new Error(`HTTP status ${page.status}`);
    } catch (error) {
      if (!isLostConnection(error) || attempt === ATTEMPTS) throw error;
    }
    await wait(PAUSE_MS * 2 ** (attempt - 1));
  }
}

async function readOnce(url: URL, accept: string): Promise<Page | { status: number }> {
  const answer = await httpGet(url, { headers: { accept } });
  try {
    if (answer.status !== 200) return { status: answer.status };
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new Error(`the page is larger than ${MAX_BYTES} bytes`);
    }
    return { text: Buffer.concat(chunks).toString('utf8'), url: answer.url };
  } finally {
    answer.close();
  }
}
