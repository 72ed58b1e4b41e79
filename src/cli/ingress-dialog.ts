/** The four questions of 2.0, word by word. */
import { CodedError } from '../base/errors.ts';
import type { Ingress } from '../protocol/cloud.ts';
import { isHost, portOf } from './ingress-answers.ts';
import type { TypedLines } from './typed-lines.ts';

export interface Asking {
  write(text: string): unknown;
  lines: TypedLines;
  signal: AbortSignal;
}

const INTRO = `To create a preview URL, telepresence needs to know how cluster
ingress works for this service.  Please Confirm the ingress to use.
`;
const HOST = `1/4: What's your ingress' layer 3 (IP) address?
     You may use an IP address or a DNS name (this is usually a
     "service.namespace" DNS name).
`;
const PORT = `2/4: What's your ingress' layer 4 address (TCP port number)?
`;
const TLS = `3/4: Does that TCP port on your ingress use TLS (as opposed to cleartext)?
`;
const L5HOST = `4/4: If required by your ingress, specify a different layer 5 hostname
     (TLS-SNI, HTTP "Host" header) to access this service.
`;

/** Asks until each answer is one; an empty line takes the default. @throws TP-CANCELLED at the end of the input, or when interrupted */
export async function askIngress(asking: Asking, guess: Ingress | undefined): Promise<Ingress> {
  const { write, lines, signal } = asking;
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new CodedError('TP-CANCELLED', 'The question was interrupted.')), { once: true });
  });
  interrupted.catch(() => undefined);

  async function ask<T>(question: string, byDefault: string | undefined, read: (text: string) => T | undefined, wrong: string): Promise<T> {
    write(`\n${question}\n`);
    for (;;) {
      write(`       [default: ${byDefault ?? '-'}]: `);
      const typed = await Promise.race([lines.next(), interrupted]);
      if (typed === undefined) throw new CodedError('TP-CANCELLED', 'The input ended before the ingress was known.');
      const answer = read(typed.trim() === '' ? (byDefault ?? '') : typed.trim());
      if (answer !== undefined) return answer;
      write(`       ${wrong}\n`);
    }
  }

  try {
    write(INTRO);
    const aHost = (text: string): string | undefined => (isHost(text) ? text : undefined);
    const notHost = 'Please type a DNS name or an IP address.';
    const host = await ask(HOST, guess?.host, aHost, notHost);
    const port = await ask(PORT, guess === undefined ? undefined : String(guess.port), portOf, 'Please type a number from 1 to 65535.');
    const tls = await ask(TLS, guess?.tls === true ? 'y' : 'n', yesOrNo, 'Please type y or n.');
    // where no host name is known, the address of now is offered
    const l5 = guess === undefined || guess.l5host === guess.host ? host : guess.l5host;
    const l5host = await ask(L5HOST, l5, aHost, notHost);
    write('\n');
    return { host, port, tls, l5host };
  } finally {
    lines.close();
  }
}

function yesOrNo(text: string): boolean | undefined {
  if (/^(y|yes|true)$/i.test(text)) return true;
  return /^(n|no|false)$/i.test(text) ? false : undefined;
}
