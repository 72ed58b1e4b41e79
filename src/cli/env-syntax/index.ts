/**
 * The syntaxes in which `--env-file` writes an environment. A value that a syntax can't hold is left out and named, never written wrong:
 * each syntax has its file, with what its reader does.
 */
import { CodedError } from '../../base/errors.ts';
import { cmd } from './cmd.ts';
import { compose } from './compose.ts';
import { csh } from './csh.ts';
import { docker } from './docker.ts';
import { json } from './json.ts';
import type { Environment, LineWriter } from './line-writer.ts';
import { ps } from './ps.ts';
import { sh } from './sh.ts';

export interface Left {
  name: string;
  /** Why it could not be written: ends a sentence. */
  reason: string;
}

export interface Written {
  text: string;
  left: Left[];
}

const SYNTAXES = ['docker', 'compose', 'sh', 'sh:export', 'csh', 'csh:export', 'cmd', 'json', 'ps', 'ps:export'] as const;
export type EnvSyntax = (typeof SYNTAXES)[number];

/** Throws TP-USAGE. */
export function parseEnvSyntax(text: string): EnvSyntax {
  const found = SYNTAXES.find((one) => one === text);
  if (found === undefined) throw new CodedError('TP-USAGE', `--env-syntax is ${JSON.stringify(text)}; it takes ${SYNTAXES.join(', ')}.`);
  return found;
}

/** Variables come in the order of their names. */
export function writeEnvironment(syntax: EnvSyntax, env: Environment): Written {
  if (syntax === 'json') return { text: json(env), left: [] };
  const writeLine = lineWriter(syntax);
  const left: Left[] = [];
  let text = '';
  for (const name of Object.keys(env).sort()) {
    const line = writeLine(name, env[name] ?? '');
    if (typeof line === 'string') text += line;
    else left.push({ name, reason: line.reason });
  }
  return { text, left };
}

function lineWriter(syntax: Exclude<EnvSyntax, 'json'>): LineWriter {
  switch (syntax) {
    case 'docker':
      return docker;
    case 'compose':
      return compose;
    case 'cmd':
      return cmd;
    case 'sh':
      return sh(false);
    case 'sh:export':
      return sh(true);
    case 'csh':
      return csh(false);
    case 'csh:export':
      return csh(true);
    case 'ps':
      return ps(false);
    case 'ps:export':
      return ps(true);
  }
}
