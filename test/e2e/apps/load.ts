/** Steady load for tests: a program that asks a URL at a fixed rate, each time over a new connection, and prints a line for each answer. */
import { TEST_IMAGE } from './echo.ts';

/** A share of the machine for a container: without one, its times tell how busy the machine is. */
export const SHARE = { resources: { requests: { cpu: '100m' } } };

/** A request that has no answer yet counts as one in trouble after this. */
const PENDING_MS = 3_000;

/** Arguments: URL, requests per second, time-out of one in ms. Lines: `<id> <start ms>`, and `<id> <start ms> <end ms> <status or error> <first word of the body>`. */
export const LOAD = `
const http = require('node:http');
const [url, rate, limit] = process.argv.slice(-3);
let last = 0;
const ask = () => {
  const id = ++last;
  const start = Date.now();
  process.stdout.write(id + ' ' + start + '\\n');
  let over = false;
  const done = (what, who = '-') => {
    if (over) return;
    over = true;
    process.stdout.write(id + ' ' + start + ' ' + Date.now() + ' ' + what + ' ' + who + '\\n');
  };
  const request = http.get(url, { agent: false, timeout: Number(limit) }, (response) => {
    let body = '';
    response.on('data', (chunk) => (body += chunk));
    response.on('end', () => done(response.statusCode, body.trim().split(' ')[0]));
    response.on('error', (error) => done(error.code || 'aborted'));
  });
  request.on('timeout', () => { done('TIMEOUT'); request.destroy(); });
  request.on('error', (error) => done(error.code || 'error'));
};
setInterval(ask, 1000 / Number(rate));
process.on('SIGTERM', () => process.exit(0));
`;

export interface Sample {
  start: number;
  end: number;
  /** HTTP status or error code. */
  what: string;
  /** The body's first word. */
  who: string;
}

/** In the order of their starts. What waits for its answer for long is a sample with `what` PENDING. */
export function samplesOf(output: string): Sample[] {
  const samples = new Map<string, Sample>();
  const now = Date.now();
  for (const line of output.split('\n')) {
    const [id = '', start, end, what, who] = line.split(' ');
    if (start === undefined) continue;
    samples.set(id, { start: Number(start), end: end === undefined ? now : Number(end), what: what ?? 'PENDING', who: who ?? '' });
  }
  return [...samples.values()].filter(({ what, start }) => what !== 'PENDING' || now - start > PENDING_MS).toSorted((a, b) => a.start - b.start);
}

/** A pod that asks `url` inside the cluster. */
export function loadPod({ name, namespace, url, rate, limitMs }: { name: string; namespace: string; url: string; rate: number; limitMs: number }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'load', image: TEST_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['/app/node', '-e', LOAD, url, String(rate), String(limitMs)] },
      ],
    },
  });
}
