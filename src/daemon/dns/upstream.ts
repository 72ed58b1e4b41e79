/** The previous resolvers, as raw bytes: exactly the server that was asked, or, for a link of systemd-resolved, the first that answers. */
import type { Log } from '../../base/log.ts';
import { RCODE, rcodeOf } from '../../dns/index.ts';
import { bindExemptSockets, type PortRange } from './exempt-ports.ts';
import type { ClientQuery } from './listener.ts';
import { createUpstreamTcp } from './upstream-tcp.ts';
import { createUpstreamUdp } from './upstream-udp.ts';

/** A server of another link that is silent for so long is passed over. */
export const UPSTREAM_FAILOVER_MS = 1500;
/** How long our own questions (hidden names, mappings) wait. */
export const UPSTREAM_OWN_TIMEOUT_MS = 3000;

export interface Upstream {
  readonly exemptPorts: PortRange;
  /** Passes the query on and its answer back. No answer there, no answer here. */
  forward(servers: readonly string[], query: ClientQuery): void;
  /** A question of our own over UDP; undefined when nobody answered. */
  ask(server: string, query: Buffer, timeoutMs?: number): Promise<Buffer | undefined>;
  close(): void;
}

export async function createUpstream({ servers, port, log }: { servers: readonly string[]; port: number; log: Log }): Promise<Upstream> {
  const families = new Set<4 | 6>(servers.map((server) => (server.includes(':') ? 6 : 4)));
  const { range, sockets } = await bindExemptSockets(families);
  const udp = createUpstreamUdp({ sockets, port, log });
  const tcp = createUpstreamTcp({ range, port, log });
  const failovers = new Set<NodeJS.Timeout>();

  function forwardUdp([server, ...others]: readonly string[], query: ClientQuery): void {
    if (server === undefined) return;
    if (others.length === 0) return void udp.send(server, query.message, query.reply);
    let answered = false;
    let moved = false;
    const moveOn = () => {
      clearTimeout(timer);
      failovers.delete(timer);
      if (!moved && !answered) forwardUdp(others, { ...query, reply: finish });
      moved = true;
    };
    const finish = (answer: Buffer) => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      failovers.delete(timer);
      query.reply(answer);
    };
    const timer = setTimeout(moveOn, UPSTREAM_FAILOVER_MS);
    failovers.add(timer);
    udp.send(server, query.message, (answer) => {
      const rcode = rcodeOf(answer);
      if (rcode === RCODE.SERVFAIL || rcode === RCODE.REFUSED) moveOn();
      else finish(answer);
    });
  }

  function forwardTcp([server, ...others]: readonly string[], query: ClientQuery): void {
    if (server === undefined) query.fail();
    else tcp.send(server, query.message, query.reply, () => forwardTcp(others, query));
  }

  return {
    exemptPorts: range,
    forward: (to, query) => (query.tcp ? forwardTcp(to, query) : forwardUdp(to, query)),
    ask: (server, query, timeoutMs = UPSTREAM_OWN_TIMEOUT_MS) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          failovers.delete(timer);
          giveUp();
          resolve(undefined);
        }, timeoutMs);
        failovers.add(timer);
        const giveUp = udp.send(server, query, (answer) => {
          clearTimeout(timer);
          failovers.delete(timer);
          resolve(answer);
        });
      }),
    close() {
      for (const timer of failovers) clearTimeout(timer);
      udp.close();
      tcp.close();
    },
  };
}
