/** One connection of a session's tunnel. */
import type { Mux } from '../../mux/index.ts';
import type { Hello } from '../../protocol/tunnel.ts';

/** What a connection says of itself; the registry reads it at each tick. */
export interface TunnelConnection {
  readonly kind: Hello['kind'];
  readonly mux: Mux;
  /** When the last byte came from the workstation, on the registry's clock. */
  heardAt(): number;
  /** Notifies on the control stream, where there is one. */
  notify(method: string, params: unknown): void;
}
