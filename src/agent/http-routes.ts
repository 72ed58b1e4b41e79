import { messageOf } from '../base/errors.ts';
import { Filters, headerLine, type RequestView } from '../http/index.ts';
import type { AgentIntercept } from '../protocol/tunnel.ts';

/** Tells who answered: stands in what the workstation answered. */
export const PROOF_HEADER = 'x-telepresence-intercepted-by';

export interface Route {
  readonly intercept: AgentIntercept;
  /** The header line for its answers; undefined: none is wanted. */
  readonly proof: Buffer | undefined;
}

/** Where a port's requests go, as the intercepts stand now: connections ask it anew for each request. */
export class HttpRoutes {
  #filters = new Filters<Route>([]);
  #known = '[]';
  #faults = new Map<string, string>();
  /** Sees each request, while something is looked for. */
  watcher: ((request: RequestView) => void) | undefined;

  /** Sets the port's intercepts. Returns why some can't be served, by uid; the others are. */
  set(intercepts: readonly AgentIntercept[]): Map<string, string> {
    const text = JSON.stringify(intercepts);
    if (text === this.#known) return this.#faults;
    this.#known = text;
    const faults = new Map<string, string>();
    this.#faults = faults;
    const usable = intercepts.filter((intercept) => {
      try {
        new Filters([[intercept.http ?? { headers: [], paths: [] }, true]]);
        return true;
      } catch (error) {
        faults.set(intercept.uid, messageOf(error));
        return false;
      }
    });
    this.#filters = new Filters(
      usable.map((intercept) => [
        intercept.http ?? { headers: [], paths: [] },
        { intercept, proof: intercept.proofHeader ? headerLine(PROOF_HEADER, intercept.name) : undefined },
      ]),
    );
    return faults;
  }

  /** Undefined: the app. */
  choose(request: RequestView): Route | undefined {
    this.watcher?.(request);
    return this.#filters.choose(request);
  }
}

const FAILURES = new Map([
  ['refused', 'the process on the workstation does not listen on its port'],
  ['unreachable', 'the workstation can not reach the address that the intercept names'],
  ['timeout', 'the process on the workstation did not accept the connection in time'],
  ['gone', 'the connection to the workstation was lost before it answered'],
  ['closed', 'the process on the workstation closed the connection without an answer'],
  ['not-tls', 'the process on the workstation does not speak TLS, as the pod does (with --plaintext it is sent cleartext)'],
  ['not-http', 'what the process on the workstation answered is not HTTP'],
  ['not-http2', 'the process on the workstation does not speak HTTP/2'],
]);

/** The sentence that a client gets when the workstation's process did not answer. */
export function failureText(intercept: AgentIntercept, reason: string): string {
  return `telepresence: this request was taken by the intercept ${JSON.stringify(intercept.name)}, but ${FAILURES.get(reason) ?? `the connection to the process on the workstation failed (${reason})`}.`;
}
