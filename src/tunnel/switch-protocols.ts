import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { VERSION } from '../base/version.ts';
import { TUNNEL_HEADER, UPGRADE_PROTOCOL } from '../protocol/tunnel.ts';

/** What a 101 says: a fresh nonce, and by whom. @param replica name of the pod that answers */
export function tunnelOffer(replica: string): { nonce: string; headers: Record<string, string> } {
  const nonce = randomBytes(32).toString('base64url');
  return { nonce, headers: { [TUNNEL_HEADER.nonce]: nonce, [TUNNEL_HEADER.replica]: replica, [TUNNEL_HEADER.version]: VERSION } };
}

/** Answers 101; what comes after it is the tunnel's. */
export function switchProtocols(socket: Duplex, headers: Record<string, string>): void {
  const lines = Object.entries({ connection: 'Upgrade', upgrade: UPGRADE_PROTOCOL, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
}
