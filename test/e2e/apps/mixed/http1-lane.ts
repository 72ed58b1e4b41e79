import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import { bodyOf, judge, type Lane, type MixedTask, type Place, placeOf, proofOf } from './lane.ts';

const TIMEOUT_MS = 60_000;

function exchange(
  send: (options: RequestOptions, answered: (answer: IncomingMessage) => void) => ClientRequest,
  options: RequestOptions,
  place: Place,
  i: number,
) {
  const body = bodyOf(i);
  const framing = body === '' ? {} : i % 2 === 0 ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length };
  return new Promise<void>((resolve, reject) => {
    const sent = send(
      { ...options, path: `/${i}`, method: body === '' ? 'GET' : 'POST', headers: { ...options.headers, ...framing }, timeout: TIMEOUT_MS },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          try {
            judge(place, i, body, { status: answer.statusCode, proof: proofOf(answer.headers), text });
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.end(body);
  });
}

/** Kept connections to the Service; what comes next on one is for anybody. */
export function http1Lane(task: MixedTask): Lane {
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 8 });
  return {
    requests: Math.round(task.requests * 0.26),
    atOnce: 8,
    ask: (i) => {
      const place = placeOf(task, i);
      const headers = place.header === undefined ? {} : { [place.header.name]: place.header.value };
      return exchange(httpRequest, { host: task.service, port: 80, agent, headers }, place, i);
    },
    close: () => agent.destroy(),
  };
}

/** By the public addresses: through the cloud for previews, else straight to the ingress controller. */
export function previewHttp1Lane(task: MixedTask): Lane {
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 6, rejectUnauthorized: false });
  return {
    requests: Math.round(task.requests * 0.3),
    atOnce: 12,
    ask: (i) => {
      const place = placeOf(task, i);
      const { host, address, port } = place.door;
      return exchange(httpsRequest, { host: address, port, agent, servername: host, headers: { host } }, place, i);
    },
    close: () => agent.destroy(),
  };
}
