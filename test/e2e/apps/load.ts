/** Steady load for tests: a program that asks a URL at a fixed rate, each time over a new connection, and prints a line for each answer. */
import { TEST_IMAGE } from './echo.ts';

/** Arguments: URL, requests per second, time-out of one in ms. Lines: `<start ms> <end ms> <status or error> <first word of the body>`. */
export const LOAD = `
const http = require('node:http');
const [url, rate, limit] = process.argv.slice(-3);
const ask = () => {
  const start = Date.now();
  let over = false;
  const done = (what, who = '-') => {
    if (over) return;
    over = true;
    process.stdout.write(start + ' ' + Date.now() + ' ' + what + ' ' + who + '\\n');
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

export function samplesOf(output: string): Sample[] {
  return output
    .split('\n')
    .map((line) => line.split(' '))
    .filter((words) => words.length === 4)
    .map(([start, end, what, who]) => ({ start: Number(start), end: Number(end), what: what ?? '', who: who ?? '' }));
}

/** A pod that asks `url` inside the cluster. */
export function loadPod({ name, namespace, url, rate, limitMs }: { name: string; namespace: string; url: string; rate: number; limitMs: number }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'load', image: TEST_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['/app/node', '-e', LOAD, url, String(rate), String(limitMs)] }],
    },
  });
}
