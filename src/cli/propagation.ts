/** `doctor --propagation`: a marked request, and who in the cluster saw its mark. */
import { setTimeout as wait } from 'node:timers/promises';
import { CodedError, messageOf } from '../base/errors.ts';
import { INTERCEPT_ID_HEADER } from '../protocol/cloud.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import { probeValue } from '../protocol/tunnel.ts';
import type { Context } from './command.ts';

/** How long an answer to the marked request may take. */
export const PROPAGATION_ANSWER_MS = 15_000;
/** How long agents get to say what they saw, after the answer. */
export const PROPAGATION_SETTLE_MS = 1_500;

type Hops = DaemonApi['probeSeen']['result']['hops'];

export async function followMark(context: Context, text: string): Promise<number> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new CodedError('TP-USAGE', `--propagation ${JSON.stringify(text)} is no http or https address.`);
  const { id, agents } = await context.call('probeBegin', {});
  const answer = await send(url, id, context.signal);
  await wait(PROPAGATION_SETTLE_MS, undefined, { signal: context.signal });
  const { hops } = await context.call('probeSeen', { id });
  const verdict = verdictOf(hops, agents);
  await context.output.result(
    { url: url.href, ...answer, agents, hops, lost: verdict.lost },
    [answerLine(url, answer), '', ...hops.map(hopLine), ...verdict.lines].join('\n'),
  );
  return verdict.lost === undefined && answer.status !== undefined ? 0 : 1;
}

interface Answer {
  status?: number;
  failure?: string;
}

async function send(url: URL, id: string, signal: AbortSignal): Promise<Answer> {
  try {
    const answer = await fetch(url, {
      headers: { [INTERCEPT_ID_HEADER]: probeValue(id) },
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROPAGATION_ANSWER_MS)]),
    });
    await answer.body?.cancel();
    return { status: answer.status };
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { failure: messageOf(cause) };
  }
}

function answerLine(url: URL, { status, failure }: Answer): string {
  return failure === undefined ? `GET ${url.href} with ${INTERCEPT_ID_HEADER}: status ${status}` : `GET ${url.href} failed: ${failure}`;
}

function hopLine({ workload, marked, unmarked }: Hops[number]): string {
  const name = `${workload.kind.toLowerCase()}/${workload.name}.${workload.namespace}`;
  if (marked > 0) return `  saw the mark     ${name}`;
  return unmarked > 0
    ? `  did not see it   ${name} (${unmarked === 1 ? 'one request' : `${unmarked} requests`} came without it meanwhile)`
    : `  was not asked    ${name}`;
}

/** Requests without the mark may be somebody else's: the sentence says no more than was seen. */
function verdictOf(hops: Hops, agents: number): { lines: string[]; lost: string | undefined } {
  const blind =
    'Only agents of workloads with an http intercept see marks: intercept the services on the way, with a filter that fits no request, to see more hops.';
  if (agents === 0) return { lines: ['No workload has an http intercept: nothing in the cluster looks for the mark.', blind], lost: undefined };
  const saw = hops.filter(({ marked }) => marked > 0);
  const missed = hops.filter(({ marked, unmarked }) => marked === 0 && unmarked > 0);
  const last = saw.at(-1)?.workload.name;
  if (missed.length === 0)
    return {
      lines: ['', saw.length === 0 ? 'No workload that was looked at was asked.' : 'The mark was lost nowhere where it was looked for.', blind],
      lost: undefined,
    };
  const names = missed.map(({ workload }) => workload.name).join(', ');
  const where = last === undefined ? `before ${names}` : `between ${last} and ${names}`;
  return {
    lines: [
      '',
      `The mark was lost ${where}: ${last === undefined ? 'what stands in front' : `${last}, or a service behind it that has no http intercept,`} does not pass it on.`,
      blind,
    ],
    lost: where,
  };
}
