/**
 * Calls and notifications both ways over any duplex, as newline-delimited JSON (message.ts), and the daemon's API over a unix
 * socket (unix-http.ts). CodedErrors cross the wire with code, message and help; params and results are for the caller to check.
 */
import type { Duplex } from 'node:stream';
import { NdjsonPeer, type RpcPeer, type RpcPeerOptions } from './peer.ts';

export { RpcClosedError, type RpcHandler, type RpcPeer, type RpcPeerOptions, RpcTimeoutError } from './peer.ts';

/** Speaks over `stream`, which from then on belongs to the peer. */
export function createRpcPeer(stream: Duplex, options: RpcPeerOptions): RpcPeer {
  return new NdjsonPeer(stream, options);
}
