/** A workstation and an agent that meet without a manager between: the daemon's part and the agent's, over TLS on the loopback. */
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { DirectConnections, type DirectOptions } from '../../src/daemon/direct/index.ts';
import type { MuxStream } from '../../src/mux/index.ts';
import { type Hello, TUNNEL_HEADER } from '../../src/protocol/tunnel.ts';
import { createSessionKeys, type ProofFor, readStreamHeader, type SessionKeys, startTunnel } from '../../src/tunnel/index.ts';
import { activate, app, ask, cleanups, readAll, type Setup, setup, until, workstation } from '../helpers/agent.ts';
import { dialTunnel } from '../helpers/manager-peers.ts';

const WORKLOAD = { namespace: 'shop', kind: 'Deployment', name: 'web' };
const POD = 'shop/web-1';

/** What an API server does with the path of a pod's proxy. */
const upgrade = (async (path: string) => {
  const port = Number(/\/pods\/https:web-1:(\d+)\/proxy\/tunnel$/.exec(path)?.[1]);
  const { socket, nonce } = await dialTunnel(port, 's');
  return { socket, headers: { [TUNNEL_HEADER.nonce]: nonce }, head: Buffer.alloc(0) };
}) satisfies DirectOptions['kube']['upgrade'];

interface Scene extends Omit<Setup, 'port'> {
  keys: SessionKeys;
  direct: DirectConnections;
  /** How often the manager was given an intercepted connection. */
  relayed(): number;
  /** Where the agent takes direct connections now. */
  port(): number;
}

async function scene(options: Partial<DirectOptions> = {}): Promise<{ scene: Scene; agentPort: number }> {
  const keys = createSessionKeys();
  const made = await setup(await app(), {}, { s1: keys.publicKey });
  let relayed = 0;
  made.manager.serve((stream) => {
    relayed++;
    stream.write('relayed:');
    stream.pipe(stream);
  });
  const direct = new DirectConnections({
    kube: { upgrade },
    session: { name: 's', uid: 's1' },
    sign: keys.sign,
    version: '1',
    log: silentLog,
    wanted: () => true,
    onStream: (stream) => void readStreamHeader(stream).then(() => workstation(stream)),
    ...options,
  });
  cleanups.push(() => direct.close());
  await activate(made);
  await until(() => made.manager.directPorts.at(-1) !== undefined);
  const port = () => made.manager.directPorts.at(-1) ?? 0;
  return { scene: { ...made, keys, direct, relayed: () => relayed, port }, agentPort: made.port };
}

const tell = ({ direct, port }: Scene): void => direct.told({ workload: WORKLOAD, agents: [{ pod: 'web-1', port: port() }] });

describe('direct connections', () => {
  it('carry what an intercept takes, past the managers; without them it goes through a manager', async () => {
    const { scene: all, agentPort } = await scene();
    expect(await ask(agentPort, 'hello')).toBe('relayed:hello');
    tell(all);
    await until(() => all.direct.pods === 1);
    expect(await ask(agentPort, 'hello')).toBe('mine:hello');
    expect(all.relayed()).toBe(1);
    all.direct.close();
    await until(() => all.direct.pods === 0);
    await expect.poll(() => ask(agentPort, 'hello')).toBe('relayed:hello');
  });

  it('keep an intercept on while no manager is there', async () => {
    const { scene: all, agentPort } = await scene();
    tell(all);
    await until(() => all.direct.pods === 1);
    all.manager.close();
    await until(() => all.agent.links.count === 0);
    expect(await ask(agentPort, 'hello')).toBe('mine:hello');
    all.direct.close();
    await expect.poll(() => ask(agentPort, 'hello')).toBe('app:hello');
  });

  it('end with the intercept: the port is closed, and what is open goes on', async () => {
    const streams: MuxStream[] = [];
    const { scene: all, agentPort } = await scene({ onStream: (stream) => void readStreamHeader(stream).then(() => streams.push(stream)) });
    tell(all);
    await until(() => all.direct.pods === 1);
    const answer = ask(agentPort, 'slow');
    await until(() => streams.length === 1);
    all.manager.tell([], []);
    await until(() => all.manager.directPorts.at(-1) === undefined);
    await expect(dialTunnel(all.manager.directPorts.find((port) => port !== undefined) ?? 0, 's')).rejects.toThrow();
    workstation(streams[0] as MuxStream);
    expect(await answer).toBe('mine:slow');
    await until(() => all.direct.pods === 0);
  });

  it('are opened again when they are lost', async () => {
    const sockets: Duplex[] = [];
    const kube = {
      upgrade: async (path: string) => {
        const answer = await upgrade(path);
        sockets.push(answer.socket);
        return answer;
      },
    };
    const { scene: all, agentPort } = await scene({ kube });
    tell(all);
    await until(() => all.direct.pods === 1 && sockets.length === 2);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until(() => all.direct.pods === 0);
    await until(() => all.direct.pods === 1);
    expect(await ask(agentPort, 'hello')).toBe('mine:hello');
  });

  it('are not tried again where the user may not', async () => {
    let tries = 0;
    const kube = {
      upgrade: async () => {
        tries++;
        throw new CodedError('TP-KUBE-FORBIDDEN', 'no');
      },
    };
    const { scene: all, agentPort } = await scene({ kube });
    tell(all);
    await until(() => tries > 0);
    all.direct.refresh();
    tell(all);
    expect(await ask(agentPort, 'hello')).toBe('relayed:hello');
    expect(tries).toBeLessThanOrEqual(2);
  });

  it('are not made for a workload that this workstation does not intercept', async () => {
    let tries = 0;
    const kube = {
      upgrade: async (path: string) => {
        tries++;
        return upgrade(path);
      },
    };
    const { scene: all } = await scene({ kube, wanted: () => false });
    tell(all);
    expect(tries).toBe(0);
  });
});

describe('an agent refuses a direct connection', () => {
  const other = createSessionKeys();
  const cases: [string, { kind?: Hello['kind']; to?: ProofFor; uid?: string; sign?: SessionKeys['sign'] }][] = [
    ['with a signature made for a manager', { to: 'manager' }],
    ['with a signature made for another pod', { to: { pod: 'shop/web-2' } }],
    ['with the signature of another key', { sign: other.sign }],
    ['of a session that does not intercept here', { uid: 's2' }],
    ['that says it is for a manager', { kind: 'data' }],
  ];
  it.each(cases)('%s', async (_, wrong) => {
    const { scene: all } = await scene();
    const open = async (how: (typeof cases)[number][1]) => {
      const { socket, nonce } = await dialTunnel(all.port(), 's');
      const session = { name: 's', uid: how.uid ?? 's1' };
      const { kind = 'direct', to = { pod: POD }, sign = all.keys.sign } = how;
      const mux = startTunnel(socket, { nonce, session, kind, to, sign, version: '1', log: silentLog, onStream: (stream) => stream.destroy() });
      cleanups.push(() => mux.abort(new Error('over')));
      return mux;
    };
    const refused = await open(wrong);
    await refused.closed;
    expect(refused.goneAway).toBe('The session is not known here, or the signature is not its own.');
    expect(await (await open({})).ping()).toBeGreaterThan(0);
  });

  it('where the request is not for one', async () => {
    const { scene: all } = await scene();
    const socket = connect({ host: '127.0.0.1', port: all.port(), rejectUnauthorized: false });
    socket.write('GET /healthz HTTP/1.1\r\nHost: web-1\r\n\r\n');
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 404 /);
    const nonsense = connect({ host: '127.0.0.1', port: all.port(), rejectUnauthorized: false });
    nonsense.write('nonsense\r\n\r\n');
    expect(await readAll(nonsense)).toBe('');
  });
});
