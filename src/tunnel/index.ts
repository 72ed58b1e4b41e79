/**
 * What runs inside the tunnel (src/protocol/tunnel.ts): the handshake with its proof, stream headers, relays between connections,
 * and datagrams over a stream. The same for daemon, manager and agent.
 */
export { createDatagramStream, type DatagramStream } from './datagram.ts';
export { type AcceptTunnelOptions, acceptTunnel, type StartTunnelOptions, startTunnel } from './handshake.ts';
export { join } from './join.ts';
export { type RelayResult, relay } from './relay.ts';
export { resetReasonOf, resetStream } from './reset-reason.ts';
export { createSessionKeys, type SessionKeys, verifyNonce } from './session-keys.ts';
export { connectShared } from './shared-read.ts';
export { Spread } from './spread.ts';
export { encodeStreamHeader, readStreamHeader } from './stream-header.ts';
