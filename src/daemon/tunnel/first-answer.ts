import { CodedError, messageOf } from '../../base/errors.ts';
import type { Mux } from '../../mux/index.ts';
import { OPEN_TIMEOUT_MS } from './limits.ts';

/**
 * The first answer on a new connection shows that the other end took the hello; a refusal comes as GOAWAY before it. Resolves with the round
 * trip in ms. When there is no answer within {@link OPEN_TIMEOUT_MS} the mux is aborted. @throws TP-SESSION-REFUSED, TP-TUNNEL-FAILED, the signal's reason
 * @param whose who answers, for the error: "The traffic-manager"
 */
export async function firstAnswer(mux: Mux, whose: string, signal: AbortSignal): Promise<number> {
  const outcome = await mux.ping({ signal: AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]) }).catch((error: unknown) => CodedError.from(error));
  const refusal = mux.goneAway;
  if (typeof outcome === 'number' && refusal === undefined && !signal.aborted) return outcome;
  mux.abort(new CodedError('TP-TUNNEL-LOST', 'The tunnel gave no answer.'));
  signal.throwIfAborted();
  if (refusal !== undefined) throw new CodedError('TP-SESSION-REFUSED', `${whose} refused the session: ${refusal}.`);
  throw new CodedError('TP-TUNNEL-FAILED', `${whose} did not answer on the tunnel: ${messageOf(outcome)}.`, { cause: outcome });
}
