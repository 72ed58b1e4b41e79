/** Where a preview URL enters the cluster: from flags, or from four questions with the likeliest answers as defaults. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CodedError, messageOf } from '../base/errors.ts';
import type { Ingress } from '../protocol/cloud.ts';
import type { DaemonApi } from '../protocol/daemon-api.ts';
import type { Context } from './command.ts';
import { flagName } from './command.ts';
import { isHost, portOf } from './ingress-answers.ts';
import { INGRESS_FLAGS } from './intercept-flags.ts';
import type { Options } from './options.ts';

/** Names of the --ingress-… flags that were given. */
export function ingressFlags(options: Options): string[] {
  return INGRESS_FLAGS.map(flagName).filter((name) => options.given(name));
}

/** The flags decide, if there are any; else whoever sits at the terminal. @throws TP-USAGE; TP-INGRESS-NEEDED where nobody sits there */
export async function findIngress(context: Context, about: DaemonApi['ingressGuess']['params']): Promise<Ingress> {
  const { options, io, signal } = context;
  if (ingressFlags(options).length > 0) return fromFlags(options, io.cwd);
  const { lines } = io;
  if (lines === undefined || io.stdin.isTTY !== true || io.stderr.isTTY !== true) {
    throw new CodedError('TP-INGRESS-NEEDED', 'A preview URL needs to know the ingress of the cluster, and there is no terminal to ask in.');
  }
  const { ingresses } = await context.call('ingressGuess', about);
  const { askIngress } = await import('./ingress-dialog.ts');
  return askIngress({ write: (text) => io.stderr.write(text), lines: await lines(), signal }, ingresses[0]);
}

async function fromFlags(options: Options, cwd: string): Promise<Ingress> {
  const host = options.text('ingress-host');
  const portText = options.text('ingress-port');
  if (host === undefined || portText === undefined) {
    throw new CodedError('TP-USAGE', 'A preview URL needs both --ingress-host and --ingress-port (and, where they differ, --ingress-tls and --ingress-l5).');
  }
  const port = portOf(portText);
  if (port === undefined) throw new CodedError('TP-USAGE', `--ingress-port is ${JSON.stringify(portText)}; it takes a number from 1 to 65535.`);
  for (const [flag, value] of [
    ['ingress-host', host],
    ['ingress-l5', options.text('ingress-l5')],
  ] as const) {
    if (value !== undefined && !isHost(value)) throw new CodedError('TP-USAGE', `--${flag} is ${JSON.stringify(value)}; it takes a host name or an address.`);
  }
  const ca = options.text('ingress-ca');
  if (ca !== undefined && !options.on('ingress-tls')) throw new CodedError('TP-USAGE', '--ingress-ca is for an ingress with TLS: pass --ingress-tls too.');
  return {
    host,
    port,
    tls: options.on('ingress-tls'),
    l5host: options.text('ingress-l5') ?? host,
    ...(ca === undefined ? {} : { ca: await authorityOf(resolve(cwd, ca)) }),
  };
}

async function authorityOf(file: string): Promise<string> {
  try {
    const pem = await readFile(file, 'utf8');
    // Throws for a text that holds none.
    void new X509Certificate(pem);
    return pem;
  } catch (error) {
    throw new CodedError('TP-USAGE', `--ingress-ca ${file} is no PEM of a certificate: ${messageOf(error)}.`, { cause: error });
  }
}
