/** Why a preview can't answer: the status, the code and the sentences of the page that explains. */
import { codeOf } from '../../base/errors.ts';
import { NotLinkedError } from '../context.ts';
import type { Preview } from '../store/index.ts';

export interface Failure {
  status: 400 | 401 | 403 | 404 | 405 | 502 | 503 | 504;
  code: string;
  title: string;
  /** What happened. */
  message: string;
  /** What to do about it. */
  help: string;
}

/** Where the preview enters the cluster, for the eyes of members; strangers at a public preview learn no address. */
export function placeOf({ ingress }: Preview, member: boolean): string {
  return member ? `the ingress at ${ingress.host}:${ingress.port}` : 'the cluster’s ingress';
}

/** A connection to the ingress took too long to be answered. */
export class ResponseTimeout extends Error {
  override readonly name = 'ResponseTimeout';
}

export const failures = {
  unknown: (): Failure => ({
    status: 404,
    code: 'TP-PREVIEW-UNKNOWN',
    title: 'There is no preview here',
    message: 'No preview has this address, or it ended a while ago.',
    help: 'Check the link, or ask the person who sent it for a new one.',
  }),
  gone: (): Failure => ({
    status: 404,
    code: 'TP-PREVIEW-GONE',
    title: 'This preview is over',
    message: 'The intercept behind this link has ended, and the preview with it.',
    help: 'Its owner can start it again with `telepresence intercept`, which gives a new link.',
  }),
  asleep: (): Failure => ({
    status: 503,
    code: 'TP-PREVIEW-ASLEEP',
    title: 'The workstation is asleep',
    message: 'The workstation behind this preview is not connected to the cluster: it sleeps, or its network is gone.',
    help: 'The preview works again as soon as it is back.',
  }),
  notLinked: (): Failure => ({
    status: 503,
    code: 'TP-PREVIEW-NOT-LINKED',
    title: 'The cluster is not connected',
    message: 'The traffic manager of this preview’s cluster has no connection to this server at the moment.',
    help: 'It comes back by itself. If it doesn’t, look at the log of the traffic manager.',
  }),
  ingress: (place: string, why: string): Failure => ({
    status: 502,
    code: 'TP-PREVIEW-INGRESS',
    title: 'The ingress can’t be reached',
    message: `The preview enters the cluster by ${place}, ${why}.`,
    help: 'If that is not the right ingress, remove the preview and create it with the right one: `telepresence preview create`.',
  }),
  ingressTimeout: (place: string): Failure => ({
    status: 504,
    code: 'TP-PREVIEW-INGRESS-TIMEOUT',
    title: 'The ingress does not answer',
    message: `The preview enters the cluster by ${place}, which does not answer.`,
    help: 'If that is not the right ingress, remove the preview and create it with the right one: `telepresence preview create`.',
  }),
  slow: (): Failure => ({
    status: 504,
    code: 'TP-PREVIEW-TIMEOUT',
    title: 'The app took too long',
    message: 'The request reached the cluster, but no answer began within five minutes.',
    help: 'Does the process on the workstation stand at a breakpoint?',
  }),
  busy: (): Failure => ({
    status: 503,
    code: 'TP-PREVIEW-BUSY',
    title: 'This preview is busy',
    message: 'More requests run through this preview than it may have at once.',
    help: 'Try again in a moment.',
  }),
  signIn: (): Failure => ({
    status: 401,
    code: 'TP-PREVIEW-PRIVATE',
    title: 'This preview is private',
    message: 'Only members of its organisation may see it, and this request does not say who asks.',
    help: 'Open the link in a browser to sign in, or ask its owner to make it public.',
  }),
  used: (): Failure => ({
    status: 403,
    code: 'TP-PREVIEW-ENTER',
    title: 'This link can’t be used here',
    message: 'The way over sign-in was begun in another browser, was taken before, or took too long.',
    help: 'Open the preview again.',
  }),
  sibling: (): Failure => ({
    status: 403,
    code: 'TP-PREVIEW-CROSS',
    title: 'Not from another preview',
    message: 'A page of another preview tried to use this one.',
    help: 'Open the preview by itself.',
  }),
  refused: (message: string): Failure => ({
    status: 400,
    code: 'TP-PREVIEW-REQUEST',
    title: 'Not a request for a preview',
    message,
    help: 'Check the client.',
  }),
  method: (): Failure => ({
    status: 405,
    code: 'TP-PREVIEW-METHOD',
    title: 'Not this method',
    message: 'A preview does not take TRACE or CONNECT.',
    help: 'Use another method.',
  }),
  internal: (): Failure => ({
    status: 502,
    code: 'TP-INTERNAL',
    title: 'Something went wrong here',
    message: 'The preview could not be served, for a reason that stands in this server’s log.',
    help: 'Try again in a moment.',
  }),
} as const;

/** What a failure of the connection to the ingress means. Resets carry one of the reasons of the tunnel. */
export function failureOf(error: unknown, place: string): Failure {
  if (error instanceof ResponseTimeout) return failures.slow();
  const code = codeOf(error);
  if (error instanceof NotLinkedError || code === 'closed' || code === 'lost') return failures.notLinked();
  const reason = typeof error === 'object' && error !== null && 'reason' in error ? error.reason : undefined;
  switch (reason ?? code) {
    case 'refused':
      return failures.ingress(place, 'which refuses connections: nothing listens there');
    case 'unreachable':
      return failures.ingress(place, 'which can’t be reached from the cluster: no such name or address');
    case 'forbidden':
      return failures.ingress(place, 'to which the cluster’s administrator allows no connections');
    case 'protocol':
      return failures.ingress(place, 'whose TLS or HTTP can’t be understood: is it cleartext where TLS was chosen, or the other way round?');
    case 'timeout':
      return failures.ingressTimeout(place);
    case 'overload':
    case 'too-many-streams':
      return failures.busy();
    case 'gone':
      return failures.notLinked();
    default:
      if (code?.startsWith('HPE_') === true) return failures.ingress(place, 'which does not answer in HTTP');
      return failures.ingress(place, 'which ended the connection without an answer');
  }
}
