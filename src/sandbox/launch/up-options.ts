/** What may be said to `up`, and is passed on to the cluster's process. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError } from '../../base/errors.ts';
import { NODES_LIMIT } from '../node/identities.ts';

export interface UpOptions {
  /** Of the API on this machine; 0: any that is free. */
  port: number;
  /** A file to which each request to the API is written, as a line of JSON. */
  audit?: string;
  /** A folder in which the state of the API outlives the sandbox. */
  state?: string;
  /** How many. */
  nodes: number;
  /** With an ingress controller. */
  ingress: boolean;
}

/** Not there for the sandbox: it has its own. */
const HIDDEN = '/run/';

/** @param folder that relative paths start from. @throws TP-USAGE */
export function upOptions(args: string[], folder: string): UpOptions {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '0' },
      audit: { type: 'string' },
      state: { type: 'string' },
      nodes: { type: 'string', default: '1' },
      ingress: { type: 'boolean', default: false },
    },
  });
  const seen = (name: 'audit' | 'state'): string | undefined => {
    const place = values[name];
    if (place === undefined) return undefined;
    const whole = resolve(folder, place);
    if (whole.startsWith(HIDDEN)) throw new CodedError('TP-USAGE', `--${name}: the sandbox does not see ${HIDDEN}, where ${whole} is.`);
    return whole;
  };
  const audit = seen('audit');
  const state = seen('state');
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_LIMIT) throw new CodedError('TP-USAGE', `--nodes: a number from 1 to ${NODES_LIMIT}.`);
  return { port: Number(values.port), nodes, ingress: values.ingress, ...(audit === undefined ? {} : { audit }), ...(state === undefined ? {} : { state }) };
}
