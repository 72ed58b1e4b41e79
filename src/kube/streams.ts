/** Streams to pods: WebSockets over the API server's proxies, port-forwards, logs. */

import type { Duplex } from 'node:stream';
import { CodedError } from '../base/errors.ts';
import type { KubeClient, PodStreams } from './contract.ts';
import { POD_LOG_LIMIT } from './limits.ts';
import { resourcePath } from './paths.ts';
import { createHandshake, createWebSocketStream } from './websocket.ts';

const PORT_FORWARD_PROTOCOL = 'v4.channel.k8s.io';

export function createPodStreams(client: Pick<KubeClient, 'upgrade' | 'text'>): PodStreams {
  return {
    async websocket(path, options = {}) {
      const handshake = createHandshake(options.protocol);
      const { socket, headers } = await client.upgrade(path, {
        protocol: 'websocket',
        headers: { ...options.headers, ...handshake.headers },
        signal: options.signal,
        timeoutMs: options.timeoutMs,
      });
      checked(socket, () => handshake.check(headers));
      return { socket: createWebSocketStream(socket, { role: 'client' }), headers };
    },
    async portForward(namespace, pod, port, options = {}) {
      const handshake = createHandshake(PORT_FORWARD_PROTOCOL);
      const path = `${resourcePath('v1', 'pods', namespace, pod, 'portforward')}?ports=${port}`;
      const { socket, headers } = await client.upgrade(path, {
        protocol: 'websocket',
        headers: handshake.headers,
        signal: options.signal,
        timeoutMs: options.timeoutMs,
      });
      checked(socket, () => handshake.check(headers));
      const stream: Duplex = createWebSocketStream(socket, {
        role: 'client',
        prefix: Buffer.from([0]),
        filter: portForwardFilter((reason) =>
          stream.destroy(new CodedError('TP-KUBE-API', `The port ${port} of the pod ${namespace}/${pod} can't be reached: ${reason}`)),
        ),
      });
      return stream;
    },
    podLogs(namespace, pod, container, options = {}) {
      return client.text(resourcePath('v1', 'pods', namespace, pod, 'log'), {
        signal: options.signal,
        timeoutMs: options.timeoutMs,
        limit: POD_LOG_LIMIT * 2,
        query: {
          container,
          limitBytes: String(POD_LOG_LIMIT),
          tailLines: options.tailLines?.toString(),
          sinceSeconds: options.since === undefined ? undefined : String(Math.max(1, Math.round(options.since))),
          previous: options.previous === true ? 'true' : undefined,
          timestamps: options.timestamps === true ? 'true' : undefined,
        },
      });
    },
  };
}

function checked(socket: Duplex, check: () => void): void {
  try {
    check();
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * The first byte of a message is its channel, 0 for data and 1 for errors; the first message of each channel is the port's number.
 */
function portForwardFilter(onError: (reason: string) => void): (chunk: Buffer, start: boolean) => Buffer | undefined {
  let channel: number | undefined;
  const skip = [2, 2];
  return (chunk, start) => {
    if (start) channel = undefined;
    let rest = chunk;
    if (channel === undefined) {
      channel = rest[0];
      rest = rest.subarray(1);
    }
    if (channel === undefined || rest.length === 0) return undefined;
    const passed = Math.min(skip[channel] ?? 0, rest.length);
    skip[channel] = (skip[channel] ?? 0) - passed;
    rest = rest.subarray(passed);
    if (channel === 0) return rest;
    if (channel === 1 && rest.length > 0) onError(rest.toString('utf8').trim());
    return undefined;
  };
}
