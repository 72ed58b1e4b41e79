import { type ClientHttp2Session, connect } from 'node:http2';
import type { Duplex } from 'node:stream';
import { codeOf } from '../base/errors.ts';
import { whyReset } from './http-end.ts';
import { HTTP2_SESSION_MEMORY_MIB, HTTP2_SESSION_WINDOW, HTTP2_SETTINGS_TIMEOUT_MS, HTTP2_STREAM_WINDOW } from './http-limits.ts';

/** An HTTP/2 connection to the app or to a workstation's process. */
export class Http2Upstream {
  readonly session: ClientHttp2Session;
  /** Resolves when the server has said that it speaks HTTP/2 (undefined), or with why it can't be used. */
  readonly ready: Promise<string | undefined>;
  readonly #connection: Duplex;

  constructor(connection: Duplex) {
    this.#connection = connection;
    connection.on('error', () => {});
    this.session = connect('http://upstream', {
      createConnection: () => connection,
      maxSessionMemory: HTTP2_SESSION_MEMORY_MIB,
      settings: { enablePush: false, initialWindowSize: HTTP2_STREAM_WINDOW },
    });
    let foreign = false;
    this.session.on('error', (error) => {
      if (codeOf(error)?.startsWith('ERR_HTTP2') === true) foreign = true;
    });
    this.session.on('connect', () => this.session.setLocalWindowSize(HTTP2_SESSION_WINDOW));
    this.ready = new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve('not-http2');
        this.session.destroy();
      }, HTTP2_SETTINGS_TIMEOUT_MS);
      this.session.once('remoteSettings', () => {
        clearTimeout(timer);
        resolve(undefined);
      });
      this.session.once('close', () => {
        clearTimeout(timer);
        resolve(this.resetReason ?? (connection.readableEnded && !foreign ? 'closed' : 'not-http2'));
      });
    });
  }

  /** Whether it takes more requests. */
  get usable(): boolean {
    return !this.session.closed && !this.session.destroyed;
  }

  /** Why the workstation's side reset it, if it did. */
  get resetReason(): string | undefined {
    return whyReset(this.#connection);
  }

  destroy(): void {
    this.session.destroy();
    this.#connection.destroy();
  }
}
