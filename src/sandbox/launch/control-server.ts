/** The running sandbox's end of the control socket. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { createServer } from '../../base/node-http.ts';
import type { Sandbox } from '../main.ts';
import type { Calls } from './control.ts';

export function serveControl(sandbox: Sandbox, path: string, log: Log, stop: () => void): Promise<void> {
  const handlers: { [M in keyof Calls]: (params: Calls[M]['params']) => Calls[M]['result'] | Promise<Calls[M]['result']> } = {
    kubeconfig: ({ server, user, groups }) => sandbox.kubeconfig(server, user, groups),
    workstation: ({ name }) => {
      const { ip, path: place, link } = sandbox.workstation(name);
      return { ip, path: place, link };
    },
    forgetWorkstation: ({ name }) => sandbox.forgetWorkstation(name),
    plug: ({ name, connected }) => sandbox.plug(name, connected),
    ingress: async () => {
      await sandbox.serveIngresses();
      return null;
    },
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
