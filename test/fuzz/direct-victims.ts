/** Both ends of a direct connection, as agent and workstation run it. Behind the API server's proxy each hears what the other says from the first byte on. */
import { serveDirect } from '../../src/agent/direct-port.ts';
import { silentLog } from '../../src/base/log.ts';
import { OpenConnections } from '../../src/daemon/intercept/open-connections.ts';
import { serveInterceptStream } from '../../src/daemon/intercept/serve.ts';
import type { Mux, MuxStream } from '../../src/mux/index.ts';
import { TUNNEL_PATH, UPGRADE_PROTOCOL } from '../../src/protocol/tunnel.ts';
import { encodeStreamHeader, readHead, startTunnel } from '../../src/tunnel/index.ts';
import type { MakeVictim } from './victims.ts';

const HEAD = `GET ${TUNNEL_PATH} HTTP/1.1\r\nhost: web-1\r\nconnection: Upgrade\r\nupgrade: ${UPGRADE_PROTOCOL}\r\n\r\n`;
const HEAD_TIMEOUT_MS = 60_000;
/** Its heartbeats. */
const PINGS = 3;

/** The agent: once somebody is known to be a workstation it opens the streams of what it intercepts. */
export const directAgent: MakeVictim = (transport) => {
  const streams: MuxStream[] = [];
  let proved: Mux | undefined;
  transport.on('error', () => undefined);
  const served = serveDirect(transport, {
    pod: 'web-1',
    log: silentLog,
    verify: () => undefined,
    onConnection: ({ mux }) => {
      proved = mux;
      for (const peer of ['10.0.0.8:1', '10.0.0.8:2']) {
        const stream = mux.open(encodeStreamHeader({ t: 'intercept', session: 'u', intercept: 'i1', protocol: 'TCP', peer }));
        streams.push(stream);
        stream.resume();
        stream.end('GET / HTTP/1.1\r\n\r\n');
      }
    },
  });
  return {
    streams,
    mux: served.then(
      () => proved,
      () => undefined,
    ),
  };
};

/** The workstation, behind the answer's head. */
export const directDaemon: MakeVictim = (transport) => {
  const streams: MuxStream[] = [];
  const connections = new OpenConnections();
  transport.on('error', () => undefined);
  transport.write(HEAD);
  const parse = (bytes: Buffer) => {
    const end = bytes.indexOf('\r\n\r\n');
    return end === -1 ? undefined : { value: bytes.toString('latin1', 0, end), used: end + 4 };
  };
  const begun = readHead(transport, parse, { timeoutMs: HEAD_TIMEOUT_MS, what: 'an answer' }).then(() => {
    const mux = startTunnel(transport, {
      nonce: 'n',
      session: { name: 's', uid: 'u' },
      kind: 'direct',
      to: { pod: 'shop/web-1' },
      sign: (text) => text,
      version: '1',
      log: silentLog,
      onStream: (stream) => {
        streams.push(stream);
        void serveInterceptStream(stream, { log: silentLog, target: () => undefined, connections, signal: new AbortController().signal });
      },
    });
    for (let pings = 0; pings < PINGS; pings++) mux.ping().catch(() => undefined);
    return mux;
  });
  return { streams, mux: begun.catch(() => undefined) };
};
