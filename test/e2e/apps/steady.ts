/**
 * Steady load for the tests of rollouts: one pod asks many targets, each at a fixed rate, every other request on a connection that is
 * kept. It prints every request that failed with its cause, and when somebody else answers than before; the rest it counts.
 *
 * No source port comes twice: the node keeps where a connection went whose pod had died before kube-proxy knew for two minutes, and sends
 * what comes from that port later to the dead pod too. Such a request would be lost long after the restart that is to blame, in whichever
 * phase that is.
 */
import { VOLUME } from '../harness/volume.ts';
import { TEST_IMAGE } from './echo.ts';

export interface Target {
  name: string;
  url: string;
  /** A headless Service whose ready pods are asked at their own addresses, found in its EndpointSlices: `namespace/service`. */
  pods?: string;
}

/** Time-out of one request. */
export const { requestLimitMs: REQUEST_LIMIT_MS } = VOLUME;

/** Argument: JSON of `{ targets, rate, limit }`. */
const PROGRAM = `
const http = require('node:http'), https = require('node:https'), net = require('node:net'), fs = require('node:fs');
const { targets, rate, limit } = JSON.parse(process.argv.at(-1));
const say = (...words) => process.stdout.write(words.join(' ') + '\\n');
const secrets = '/var/run/secrets/kubernetes.io/serviceaccount/';
const api = (path) => new Promise((resolve, reject) => {
  const headers = { authorization: 'Bearer ' + fs.readFileSync(secrets + 'token', 'utf8') };
  https.get({ host: 'kubernetes.default.svc', path, headers, ca: fs.readFileSync(secrets + 'ca.crt') }, (response) => {
    let text = '';
    response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(JSON.parse(text))).on('error', reject);
  }).on('error', reject);
});
// below those that the kernel gives to others; enough for four minutes of five targets
const FIRST_SOURCE = 1024, LAST_SOURCE = 32767;
let source = FIRST_SOURCE;
const sourcePort = () => (source = source === LAST_SOURCE ? FIRST_SOURCE : source + 1);
for (const target of targets) {
  target.next = 0;
  const kept = new http.Agent({ keepAlive: true, maxSockets: 8 });
  kept.createConnection = (options, done) => net.createConnection({ ...options, localPort: sourcePort() }, done);
  const who = {}, last = {};
  let total = 0, turn = 0;
  if (target.pods) {
    const [namespace, service] = target.pods.split('/');
    const look = async () => {
      const { items = [] } = await api('/apis/discovery.k8s.io/v1/namespaces/' + namespace + '/endpointslices?labelSelector=kubernetes.io/service-name=' + service);
      target.ready = items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready).flatMap(({ addresses }) => addresses);
    };
    const again = () => look().catch((error) => say('note', error.message)).finally(() => setTimeout(again, 250));
    again();
  }
  const ask = () => {
    const how = turn++ % 2 ? 'kept' : 'new';
    const start = Date.now();
    const options = how === 'kept' ? { agent: kept } : { agent: false, localPort: sourcePort() };
    let url = target.url;
    if (target.pods) {
      if (!target.ready?.length) return void say('F', target.name, how, start, 'NOPOD');
      const at = new URL(url);
      at.hostname = target.ready[target.next++ % target.ready.length];
      url = at.href;
    }
    let over = false;
    const done = (failure, name) => {
      if (over) return;
      over = true;
      clearTimeout(late);
      if (failure) return void say('F', target.name, how, start, failure + (request.reusedSocket ? '/reused' : ''));
      total++;
      if (who[how] !== name) {
        say('W', target.name, how, start, (who[how] = name), last[how] ?? start);
        last[how] = start;
      } else if (start > last[how]) last[how] = start;
    };
    const request = http.get(url, options, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => done(response.statusCode === 200 ? '' : response.statusCode, body.trim().split(' ')[0]));
      response.on('error', (error) => done(error.code || 'aborted'));
    });
    // a loop that was held up has timers that are due before it sees answers that are there
    const late = setTimeout(() => setTimeout(() => { done('TIMEOUT'); request.destroy(); }, 50), limit);
    request.on('error', (error) => done(error.code || 'error'));
  };
  // what a busy machine held up is made good, a little at a time
  let due = Date.now() + Math.random() * 1000 / rate;
  setInterval(() => {
    const now = Date.now();
    for (let burst = 0; burst < 4 && due <= now; burst++, due += 1000 / rate) ask();
    if (now - due > 1000) due = now;
  }, 1000 / rate);
  setInterval(() => say('C', target.name, Date.now(), total), 1000);
}
process.on('SIGTERM', () => process.exit(0));
`;

/** The pod, and the right to read where pods of headless Services are. */
export function steadyPod(name: string, namespace: string, targets: readonly Target[], rate: number): string {
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name, namespace } };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { ...rbac, kind: 'Role', rules: [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list'] }] },
      {
        ...rbac,
        kind: 'RoleBinding',
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace }],
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace, labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'load',
              image: TEST_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              command: ['/app/node', '-e', PROGRAM, JSON.stringify({ targets, rate, limit: REQUEST_LIMIT_MS })],
            },
          ],
        },
      },
    ],
  });
}

export interface Failure {
  target: string;
  how: 'new' | 'kept';
  start: number;
  cause: string;
}
export interface Change {
  target: string;
  how: 'new' | 'kept';
  start: number;
  /** When the last request that this one answered started; infinite for who answers still. */
  last: number;
  who: string;
}

export interface Seen {
  failures: Failure[];
  /** Who answers from this request on. */
  changes: Change[];
  /** Answers in all, each second. */
  counts: { target: string; at: number; total: number }[];
}

/** Answers per second of a target in that time. */
export function answersPerSecond({ counts }: Seen, target: string, from: number, to: number): number {
  const own = counts.filter((count) => count.target === target && count.at >= from && count.at <= to);
  const [first, last] = [own.at(0), own.at(-1)];
  return first === undefined || last === undefined || first === last ? 0 : ((last.total - first.total) / (last.at - first.at)) * 1000;
}

export function seenIn(output: string): Seen {
  const seen: Seen = { failures: [], changes: [], counts: [] };
  for (const [kind, target = '', how, start, what = '', lastOfFormer] of output.split('\n').map((line) => line.split(' '))) {
    if (kind === 'C') seen.counts.push({ target, at: Number(how), total: Number(start) });
    if (how !== 'new' && how !== 'kept') continue;
    if (kind === 'F') seen.failures.push({ target, how, start: Number(start), cause: what });
    if (kind !== 'W') continue;
    const former = seen.changes.findLast((change) => change.target === target && change.how === how);
    if (former !== undefined) former.last = Number(lastOfFormer);
    seen.changes.push({ target, how, start: Number(start), last: Number.POSITIVE_INFINITY, who: what });
  }
  return seen;
}
