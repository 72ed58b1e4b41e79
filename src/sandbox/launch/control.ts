/** What the outside asks a running sandbox: JSON over a socket that only its owner can reach. */
import { createServer, request } from 'node:http';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Sandbox } from '../main.ts';

interface Calls {
  kubeconfig: { params: { server: string; user: string; groups: string[] }; result: string };
  /** The path is one of the sandbox's own /proc. */
  workstation: { params: { name: string }; result: { ip: string; path: string } };
  plug: { params: { name: string; connected: boolean }; result: boolean };
  stop: { params: object; result: null };
}

export function serveControl(sandbox: Sandbox, path: string, log: Log, stop: () => void): Promise<void> {
  const handlers: { [M in keyof Calls]: (params: Calls[M]['params']) => Calls[M]['result'] | Promise<Calls[M]['result']> } = {
    kubeconfig: ({ server, user, groups }) => sandbox.kubeconfig(server, user, groups),
    workstation: ({ name }) => {
      const { ip, path: place } = sandbox.workstation(name);
      return { ip, path: place };
    },
    plug: ({ name, connected }) => sandbox.plug(name, connected),
    stop: () => {
      setImmediate(stop);
      return null;
    },
  };
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('error', (error) => log.debug('a control call broke', { error }));
    incoming.on('data', (chunk: string) => (text += chunk));
    incoming.on('end', () => {
      const name = (incoming.url ?? '').slice(1);
      const handler = Object.hasOwn(handlers, name) ? (handlers[name as keyof Calls] as (params: unknown) => unknown) : undefined;
      Promise.resolve()
        .then(() => {
          if (handler === undefined) throw new Error(`no such call: ${name}`);
          return handler(JSON.parse(text));
        })
        .then(
          (result) => response.end(JSON.stringify({ result })),
          (error: unknown) => response.end(JSON.stringify({ error: messageOf(error) })),
        );
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

export function callControl<M extends keyof Calls>(socketPath: string, method: M, params: Calls[M]['params']): Promise<Calls[M]['result']> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: `/${method}`, method: 'POST', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answer = JSON.parse(text) as { result: Calls[M]['result'] } | { error: string };
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.result);
      });
    });
    call.on('error', reject);
    call.end(JSON.stringify(params));
  });
}
