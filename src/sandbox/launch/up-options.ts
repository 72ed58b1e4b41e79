/** What may be said to `up`, and is passed on to the cluster's process. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError } from '../../base/errors.ts';

export interface UpOptions {
  /** Of the API on this machine; 0: any that is free. */
  port: number;
  /** A file to which each request to the API is written, as a line of JSON. */
  audit?: string;
  /** A folder in which the state of the API outlives the sandbox. */
  state?: string;
}

/** Not there for the sandbox: it has its own. */
const HIDDEN = '/run/';

/** @param folder that relative paths start from. @throws TP-USAGE */
export function upOptions(args: string[], folder: string): UpOptions {
  const { values } = parseArgs({ args, options: { port: { type: 'string', default: '0' }, audit: { type: 'string' }, state: { type: 'string' } } });
  const seen = (name: 'audit' | 'state'): string | undefined => {
    const place = values[name];
    if (place === undefined) return undefined;
    const whole = resolve(folder, place);
    if (whole.startsWith(HIDDEN)) throw new CodedError('TP-USAGE', `--${name}: the sandbox does not see ${HIDDEN}, where ${whole} is.`);
    return whole;
  };
  const audit = seen('audit');
  const state = seen('state');
  return { port: Number(values.port), ...(audit === undefined ? {} : { audit }), ...(state === undefined ? {} : { state }) };
}
