/**
 * What runs inside the tunnel (src/protocol/tunnel.ts): the handshake with its proof, stream headers, relays between connections,
 * and datagrams over a stream. The same for daemon, manager and agent.
 */
export { createDatagramStream, type DatagramStream } from './datagram.ts';
export { type AcceptTunnelOptions, acceptTunnel, type StartTunnelOptions, startTunnel } from './handshake.ts';
export { join } from './join.ts';
export { SILENCE_DEAD_MS, SILENCE_LOST_MS, STOOD_STILL_MS } from './limits.ts';
export { createLiveness, type Liveness, watchSilence } from './liveness.ts';
export { readHead, TunnelProtocolError } from './read-head.ts';
export { type RelayResult, relay } from './relay.ts';
export { resetReasonOf, resetStream } from './reset-reason.ts';
export { createSessionKeys, type ProofFor, type SessionKeys, verifyNonce } from './session-keys.ts';
export { connectShared } from './shared-read.ts';
export { Spread } from './spread.ts';
export { encodeStreamHeader, readStreamHeader } from './stream-header.ts';
export { switchProtocols, tunnelOffer } from './switch-protocols.ts';
export { createUnproven, type Unproven } from './unproven.ts';
