/** One agent's connection: TLS, mux, the control RPC, and the intercepted connections that it sends. */
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { VERSION } from '../../base/version.ts';
import { createMux, type Mux, type MuxStream } from '../../mux/index.ts';
import {
  type AgentHello,
  type AgentIntercept,
  agentHelloSchema,
  directPortSchema,
  environmentSchema,
  NAME_LIMIT,
  probedSchema,
  type StreamHeader,
  takenSchema,
} from '../../protocol/tunnel.ts';
import { createRpcPeer, type RpcPeer } from '../../rpc/index.ts';
import { encodeStreamHeader, readStreamHeader, relay } from '../../tunnel/index.ts';
import type { AgentLink } from '../context.ts';
import { STREAM_HEADER_TIMEOUT_MS } from '../tunnel/streams.ts';
import type { AgentIdentity } from './identity.ts';

/** Time from the connection to a hello that holds. */
export const HELLO_TIMEOUT_MS = 10_000;
/** How long a refused agent's connection lives on, so that it reads why. */
export const REFUSAL_LINGER_MS = 500;
/** Streams one agent may have open. */
export const AGENT_STREAM_LIMIT = 8_192;
/** Intercepts that one agent may say it takes. */
export const READY_LIMIT = 4_096;
/** Certificates that one link may ask for: each costs a new key. */
export const AGENT_CERTIFICATES_LIMIT = 16;
/** How much of an agent's own words is kept. */
export const AGENT_MESSAGE_LIMIT = 1_024;

const NOTHING: ReadonlySet<string> = new Set();

const readyParams = z.looseObject({ intercepts: z.array(z.string().max(NAME_LIMIT)).max(READY_LIMIT) });
const errorParams = z.looseObject({ intercept: z.string().max(NAME_LIMIT), message: z.string() });

export interface LinkedAgent extends AgentLink {
  readonly mux: Mux;
  notify(method: string, params: unknown): void;
}

export interface AgentLinkOptions {
  log: Log;
  replica: string;
  capabilities: readonly string[];
  verify(hello: AgentHello, signal: AbortSignal): Promise<AgentIdentity>;
  onLinked(agent: LinkedAgent): void;
  onReady(agent: LinkedAgent): void;
  onError(agent: LinkedAgent, intercept: string, message: string): void;
  onTaken(agent: LinkedAgent, totals: Record<string, number>): void;
  /** {@link LinkedAgent.directPort} changed. */
  onDirect(agent: LinkedAgent): void;
  certificate(agent: LinkedAgent): Promise<{ certificate: string; key: string }>;
  onProbed(agent: LinkedAgent, seen: z.infer<typeof probedSchema>): void;
  /** The claim that the agent may open streams for. */
  claim(agent: LinkedAgent, uid: string): AgentIntercept | undefined;
  /** A stream to the session's workstation. */
  open(session: string, first: Uint8Array): MuxStream | undefined;
  onRelayed(outcome: 'done' | 'gone' | 'forbidden' | 'aborted', bytes: { up: number; down: number }): void;
}

/** Serves the connection until it ends. Without a hello that holds within {@link HELLO_TIMEOUT_MS} it is ended and has got nothing. */
export function serveAgent(socket: Duplex, options: AgentLinkOptions): { mux: Mux; linked: Promise<LinkedAgent | undefined> } {
  const { log } = options;
  const linked = Promise.withResolvers<LinkedAgent | undefined>();
  let agent: LinkedAgent | undefined;
  let rpc: RpcPeer | undefined;
  let begun = false;

  const mux = createMux(socket, { role: 'server', log, maxStreams: AGENT_STREAM_LIMIT, onStream: (stream) => serveStream(stream) });
  const late = setTimeout(() => mux.abort(new Error('the agent did not prove itself in time')), HELLO_TIMEOUT_MS);
  void mux.closed.then(() => {
    clearTimeout(late);
    linked.resolve(undefined);
  });

  function serveStream(stream: MuxStream): void {
    stream.on('error', (error) => log.trace('a stream failed', { error: messageOf(error) }));
    // Before the hello holds there is one stream, for it: nobody unknown fills the memory.
    if (agent === undefined && begun) {
      stream.reset('protocol');
      return;
    }
    begun = true;
    readStreamHeader(stream, { timeoutMs: STREAM_HEADER_TIMEOUT_MS })
      .then((header) => {
        if (header.t === 'agent-control' && rpc === undefined) return serveControl(stream);
        if (header.t === 'intercept' && agent !== undefined) return relayIntercept(stream, header, agent);
        stream.reset('protocol');
        return undefined;
      })
      .catch((error: unknown) => {
        log.debug('a stream was refused', { error: messageOf(error) });
        if (!stream.destroyed) stream.reset('protocol');
      });
  }

  function serveControl(stream: MuxStream): void {
    let greeted = false;
    const peer = createRpcPeer(stream, {
      log,
      handlers: {
        hello: async (params, { signal }) => {
          if (greeted) throw new CodedError('TP-SESSION-REFUSED', 'The hello was said before.');
          greeted = true;
          const parsed = agentHelloSchema.safeParse(params);
          if (!parsed.success) throw new CodedError('TP-SESSION-REFUSED', `The hello is not valid: ${z.prettifyError(parsed.error)}`);
          const hello = parsed.data;
          try {
            const identity = await options.verify(hello, signal);
            clearTimeout(late);
            agent = makeAgent(hello, identity, peer);
          } catch (error) {
            log.info('an agent was refused', { pod: hello.pod, namespace: hello.namespace, error: messageOf(error) });
            // The answer is on its way before the connection ends.
            void mux.close({ signal: AbortSignal.timeout(REFUSAL_LINGER_MS) });
            throw error;
          }
          const greeting = agent;
          // What the agent is told comes after the answer to its hello.
          setImmediate(() => {
            options.onLinked(greeting);
            linked.resolve(greeting);
          });
          return { version: VERSION, replica: options.replica, capabilities: [...options.capabilities] };
        },
        // As calls they are answered, so that an agent knows when its word has arrived.
        ready: (params) => onReady(params),
        error: (params) => onError(params),
        certificate: () => {
          if (agent === undefined) throw new CodedError('TP-SESSION-REFUSED', 'The hello comes first.');
          if (++certificates > AGENT_CERTIFICATES_LIMIT) throw new CodedError('TP-SESSION-REFUSED', 'This link has asked for too many certificates.');
          return options.certificate(agent);
        },
      },
      onNotify: {
        ready: (params) => void onReady(params),
        error: (params) => void onError(params),
        probed: (params) => {
          if (agent !== undefined) options.onProbed(agent, probedSchema.parse(params));
        },
        direct: (params) => {
          if (agent === undefined) return;
          directPort = directPortSchema.parse(params).port;
          options.onDirect(agent);
        },
        taken: (params) => {
          if (agent !== undefined) options.onTaken(agent, takenSchema.parse(params).totals);
        },
      },
    });
    rpc = peer;
    void peer.closed.then(() => mux.abort(new Error('the control stream ended')));
  }

  let certificates = 0;
  let directPort: number | undefined;
  let ready: ReadonlySet<string> = NOTHING;
  function onReady(params: unknown): object {
    if (agent === undefined) throw new CodedError('TP-SESSION-REFUSED', 'The hello comes first.');
    const { intercepts } = readyParams.parse(params);
    ready = intercepts.length === 0 ? NOTHING : new Set(intercepts);
    options.onReady(agent);
    return {};
  }
  function onError(params: unknown): object {
    if (agent === undefined) throw new CodedError('TP-SESSION-REFUSED', 'The hello comes first.');
    const { intercept, message } = errorParams.parse(params);
    options.onError(agent, intercept, message.slice(0, AGENT_MESSAGE_LIMIT));
    return {};
  }

  function makeAgent(hello: AgentHello, identity: AgentIdentity, peer: RpcPeer): LinkedAgent {
    return {
      ...identity,
      podIP: hello.podIP,
      version: hello.version,
      get ready() {
        return ready;
      },
      mux,
      get directPort() {
        return directPort;
      },
      notify: (method, params) => peer.notify(method, params),
      environment: async (container, call) => environmentSchema.parse(await peer.call('environment', container === undefined ? {} : { container }, call)),
    };
  }

  async function relayIntercept(stream: MuxStream, header: Extract<StreamHeader, { t: 'intercept' }>, from: LinkedAgent): Promise<void> {
    const claim = options.claim(from, header.intercept);
    if (claim === undefined || claim.session !== header.session) {
      // An intercept that is over, which the agent does not know yet: nothing reached the workstation, the app is to answer.
      const reason = claim === undefined ? 'gone' : 'forbidden';
      stream.reset(reason);
      options.onRelayed(reason, { up: 0, down: 0 });
      return;
    }
    // First bytes that came with the opening frame travel with the next one's too.
    const first: unknown = stream.read();
    const early = first instanceof Uint8Array ? first : undefined;
    const there = options.open(header.session, encodeStreamHeader(header, early));
    if (there === undefined) {
      stream.reset('gone');
      options.onRelayed('gone', { up: 0, down: 0 });
      return;
    }
    const { aToB, bToA, error } = await relay(stream, there);
    options.onRelayed(error === undefined ? 'done' : 'aborted', { up: bToA, down: aToB + (early?.length ?? 0) });
  }

  return { mux, linked: linked.promise };
}
