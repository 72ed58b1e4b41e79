/** What the outside asks a running sandbox: JSON over a socket that only its owner can reach. */
import { request } from '../../base/node-http.ts';

export interface Calls {
  kubeconfig: { params: { server: string; user: string; groups: string[] }; result: string };
  /** Made at the first call for a name. The path is one of the sandbox's own /proc, the link the node's end of its cable. */
  workstation: { params: { name: string }; result: { ip: string; path: string; link: string } };
  /** False when there was none. What runs there has no link any more. */
  forgetWorkstation: { params: { name: string }; result: boolean };
  /** Its objects are made; its pods start when their image is there. */
  ingress: { params: object; result: null };
  plug: { params: { name: string; connected: boolean }; result: boolean };
  stop: { params: object; result: null };
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
