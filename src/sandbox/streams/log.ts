/** `log`: what a container printed, and with `follow` what it prints. */
import type { ServerResponse } from 'node:http';
import { type LogOptions, type NodeStreams, StatusError } from '../contract.ts';

function numberOf(query: URLSearchParams, name: string, least: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  const sentence = `Invalid value: ${text}: must be greater than${least === 0 ? ' or equal to' : ''} 0`;
  throw new StatusError(422, 'Invalid', `PodLogOptions "" is invalid: ${name}: ${sentence}`, {
    kind: 'PodLogOptions',
    causes: [{ reason: 'FieldValueInvalid', message: sentence, field: name }],
  });
}

export function logOptions(query: URLSearchParams, signal: AbortSignal): LogOptions {
  const flag = (name: string) => ['true', '1'].includes(query.get(name) ?? '');
  const seconds = numberOf(query, 'sinceSeconds', 1);
  const time = query.get('sinceTime');
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    tailLines: numberOf(query, 'tailLines', 0),
    sinceTime: seconds === undefined ? (time === null ? undefined : Date.parse(time)) : Date.now() - seconds * 1000,
    limitBytes: numberOf(query, 'limitBytes', 1),
    signal,
  };
}

export async function serveLog(
  node: NodeStreams,
  place: { namespace: string; pod: string; container: string },
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  const lines = node.logs(place.namespace, place.pod, place.container, logOptions(query, controller.signal));
  const head = () => response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
  try {
    for await (const chunk of lines) {
      if (!response.headersSent) head();
      if (!response.write(chunk)) await new Promise<void>((resolve) => void response.once('drain', resolve).once('close', resolve));
    }
  } catch (error) {
    if (controller.signal.aborted) return;
    throw error;
  }
  if (!response.headersSent) head();
  response.end();
}
