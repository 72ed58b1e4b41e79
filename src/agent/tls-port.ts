import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { codeOf, messageOf } from '../base/errors.ts';
import type { AgentPort } from '../protocol/agent-config.ts';
import type { AppTarget } from './app-target.ts';
import { TLS_HANDSHAKE_MS, TLS_KEYS_MS } from './http-limits.ts';
import { TlsServer } from './tls-server.ts';

export const HTTP2_PROTOCOL = 'h2';
export const HTTP1_PROTOCOL = 'http/1.1';

type Keys = { cert: Buffer; key: Buffer; ca: Buffer | undefined };

/** A stream towards a workstation's process that speaks TLS. */
export interface SecureStream extends Duplex {
  readonly resetReason: string | undefined;
}

/**
 * The TLS of a port whose pods speak it, with the keys that the pod's annotations name: it is ended here, so that requests can be looked
 * into, and begun again towards whoever answers. The app's certificate is not checked: that connection never leaves the pod.
 */
export class TlsPort {
  /** Why it can't be ended here; undefined: it can. */
  fault: string | undefined;
  readonly #config: NonNullable<AgentPort['tls']>;
  readonly #app: AppTarget;
  #keys: { at: number; own: Keys; client: Keys | undefined } | undefined;
  #server: { keys: Keys; protocol: string; server: TlsServer } | undefined;
  /** What the app chose of the protocols it was offered last. */
  #appProtocol: Promise<string> | undefined;

  /** Resolves when the keys were looked at. */
  static async open(config: NonNullable<AgentPort['tls']>, app: AppTarget): Promise<TlsPort> {
    const port = new TlsPort(config, app);
    await port.#read().catch(() => undefined);
    return port;
  }

  private constructor(config: NonNullable<AgentPort['tls']>, app: AppTarget) {
    this.#config = config;
    this.#app = app;
  }

  /** Ends the client's TLS. @param first what was read of it already. Rejects when there is no handshake; the client's socket is closed then. */
  async accept(client: Socket, first: Buffer): Promise<TLSSocket> {
    client.unshift(first);
    try {
      const [{ own, client: appCheck }, protocol] = [await this.#read(), await this.#protocolOfApp()];
      const secure = await this.#serverOf(own, protocol, appCheck !== undefined).accept(client);
      secure.pause();
      return secure;
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  /** A connection to the app. */
  async dialApp(servername: string | undefined, protocols: string[]): Promise<TLSSocket> {
    const { client } = await this.#read();
    const socket = await this.#app.dial();
    const secure = connect({ socket, ...towards(servername, protocols, client) });
    try {
      await handshake(secure);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    secure.allowHalfOpen = true;
    return secure;
  }

  /** TLS on a stream to the workstation; a process that speaks none ends it with the reason `not-tls`. */
  towardsWorkstation(stream: Duplex & { readonly resetReason?: string | undefined }, servername: string | undefined, protocol: string): SecureStream {
    const secure = connect({ socket: stream, ...towards(servername, [protocol], this.#keys?.client) });
    let stands = false;
    const timer = setTimeout(() => secure.destroy(), TLS_HANDSHAKE_MS);
    secure.once('secureConnect', () => {
      stands = true;
      clearTimeout(timer);
    });
    secure.once('close', () => clearTimeout(timer));
    Object.defineProperty(secure, 'resetReason', { get: () => stream.resetReason ?? (stands ? undefined : 'not-tls') });
    return secure as unknown as SecureStream;
  }

  /** @param asks an app that asks its clients for certificates would else be asked by anybody */
  #serverOf(keys: Keys, protocol: string, asks: boolean): TlsServer {
    if (this.#server?.keys !== keys || this.#server.protocol !== protocol) {
      const server = new TlsServer({
        ...contextOf(keys),
        handshakeTimeout: TLS_HANDSHAKE_MS,
        ALPNProtocols: protocol === HTTP2_PROTOCOL ? [HTTP2_PROTOCOL, HTTP1_PROTOCOL] : [HTTP1_PROTOCOL],
        ...(asks ? { requestCert: true, rejectUnauthorized: true } : {}),
      });
      this.#server = { keys, protocol, server };
    }
    return this.#server.server;
  }

  /** Offered once: an app that changes it comes as a new pod, or fails one connection. */
  #protocolOfApp(): Promise<string> {
    this.#appProtocol ??= this.dialApp(undefined, [HTTP2_PROTOCOL, HTTP1_PROTOCOL]).then((socket) => {
      const { alpnProtocol } = socket;
      socket.destroy();
      return alpnProtocol === HTTP2_PROTOCOL ? HTTP2_PROTOCOL : HTTP1_PROTOCOL;
    });
    const asked = this.#appProtocol;
    asked.catch(() => {
      if (this.#appProtocol === asked) this.#appProtocol = undefined;
    });
    return asked;
  }

  /** Secrets are renewed in place: the files are read again and again. */
  async #read(): Promise<{ own: Keys; client: Keys | undefined }> {
    const known = this.#keys;
    if (known !== undefined && performance.now() - known.at < TLS_KEYS_MS) return known;
    const { certificate, client } = this.#config;
    try {
      const keys = { at: performance.now(), own: await readKeys(certificate), client: client === undefined ? undefined : await readKeys(client) };
      if (keys.client !== undefined && keys.own.ca === undefined)
        throw new Error(`${path.join(certificate, 'ca.crt')} is missing: without it clients' certificates can't be checked as the app checks them`);
      createSecureContext(contextOf(keys.own));
      this.fault = undefined;
      this.#keys = keys;
      return keys;
    } catch (error) {
      this.fault = `The TLS of port ${this.#app.port} can't be ended by the agent: ${messageOf(error)}.`;
      throw error;
    }
  }
}

async function readKeys(folder: string): Promise<Keys> {
  const read = (file: string): Promise<Buffer> => readFile(path.join(folder, file));
  // one behind the other, so that of several missing files it is always the same one that is named
  const cert = await read('tls.crt');
  const key = await read('tls.key');
  const ca = await read('ca.crt').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  return { cert, key, ca };
}

const contextOf = ({ cert, key, ca }: Keys): SecureContextOptions => ({ cert, key, ...(ca === undefined ? {} : { ca }) });

function towards(servername: string | undefined, ALPNProtocols: string[], client: Keys | undefined) {
  return {
    rejectUnauthorized: false,
    ALPNProtocols,
    ...(servername === undefined ? {} : { servername }),
    ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
  };
}

function handshake(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new Error('the TLS handshake took too long')), TLS_HANDSHAKE_MS);
    // Stays: a late error must not end the process.
    socket.on('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection ended within the TLS handshake'));
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
