/** Asks a preview again and again, and says when it answered as it should. */
import { request } from 'node:https';
import { HOST_ADDRESS } from './cloud.ts';
import { passed } from './load.ts';

const EVERY_MS = 100;
const TIMEOUT_MS = 5_000;

/** Status and body of a preview's page, or what went wrong. */
export function askPreview(host: string, path = '/'): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      { host: HOST_ADDRESS, port: 443, path, servername: host, headers: { host }, agent: false, rejectUnauthorized: false, timeout: TIMEOUT_MS },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', (error) => resolve(error.message));
        answer.on('end', () => resolve(`${answer.statusCode} ${text.trim()}`));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', (error) => resolve(error.message));
    sent.end();
  });
}

export interface PreviewWatch extends AsyncDisposable {
  /** Milliseconds from `since` until it answered as it should and did so ever after. */
  backAfter(since: number): number;
  /** What else was answered since then. */
  failures(since: number): string[];
}

export function watchPreview(host: string, expected: string): PreviewWatch {
  const samples: { start: number; end: number; got: string }[] = [];
  let over = false;
  const looking = (async () => {
    while (!over) {
      const start = Date.now();
      samples.push({ start, got: await askPreview(host), end: Date.now() });
      await passed(EVERY_MS);
    }
  })();
  const wrong = (since: number) => samples.filter(({ end, got }) => end >= since && got !== expected);
  return {
    backAfter(since) {
      const last = wrong(since).at(-1)?.end ?? since;
      const first = samples.find(({ end, got }) => got === expected && end >= last);
      return first === undefined ? Number.POSITIVE_INFINITY : Math.max(0, first.end - since);
    },
    failures: (since) => [...new Set(wrong(since).map(({ got }) => got))],
    async [Symbol.asyncDispose]() {
      over = true;
      await looking;
    },
  };
}
