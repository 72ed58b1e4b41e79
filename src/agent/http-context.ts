import type { Duplex } from 'node:stream';
import type { AgentIntercept } from '../protocol/tunnel.ts';
import type { App } from './http-end.ts';
import type { HttpRoutes } from './http-routes.ts';

/** The ways to workstations. */
export interface Places {
  /** Undefined: nobody holds the intercept's session now. @param options.http1 for a process that was seen not to speak HTTP/2 */
  open(intercept: AgentIntercept, peer: string, options?: { http1: boolean }): (Duplex & { readonly resetReason?: string | undefined }) | undefined;
  taken(intercept: AgentIntercept): void;
}

/** What a client's connection knows of the world. */
export interface HttpContext {
  routes: HttpRoutes;
  app: App;
  links: Places;
  /** The client's address. */
  peer: string;
}
