import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { DaemonApi, InterceptInfo } from '../../protocol/daemon-api.ts';
import type { CommandSpec, Context } from '../command.ts';
import { writeEnvFile } from '../env-file.ts';
import { type EnvSyntax, parseEnvSyntax, writeEnvironment } from '../env-syntax/index.ts';
import { httpWishes } from '../http-filter.ts';
import { findIngress, ingressFlags } from '../ingress.ts';
import { interceptText } from '../intercept-block.ts';
import { INTERCEPT_FLAGS } from '../intercept-flags.ts';
import { choice } from '../options.ts';
import { parsePort } from '../port-spec.ts';
import { runChild } from '../run-child.ts';

/** How long leaving may take when what follows the intercept failed. */
export const LEAVE_TIMEOUT_MS = 10_000;

export const command: CommandSpec = {
  name: 'intercept',
  summary: 'Intercept a service',
  ownObject: true,
  arguments: ['<name>'],
  passthrough: 'command to run with the environment of the service',
  flags: INTERCEPT_FLAGS,
  run: intercept,
};

type Params = DaemonApi['intercept']['params'];

async function intercept(context: Context): Promise<number> {
  const { options, output, passthrough } = context;
  const params = interceptParams(context);
  const syntax = parseEnvSyntax(options.text('env-syntax') ?? 'docker');
  if (passthrough?.length === 0) throw new CodedError('TP-USAGE', 'There is no command behind --.');
  if (previewWanted(context, params)) params.preview = { ingress: await ingressOf(context, params) };
  const info = await context.call('intercept', params);
  let code = 0;
  try {
    context.signal.throwIfAborted();
    const env = await writeFiles(context, info, syntax);
    const waitMessage = options.text('wait-message');
    await output.result(printable(info, options.on('detailed-output')), [interceptText(info), ...(waitMessage === undefined ? [] : [waitMessage])].join('\n'));
    if (info.volumesNotMounted !== undefined && info.volumesNotMounted.length > 0) {
      output.warn(`volumes are not mounted yet: ${info.volumesNotMounted.join(', ')} (--mount=false silences this).`);
    }
    if (passthrough !== undefined) code = await runChild(passthrough, { ...context.io.env, ...env }, context.io);
  } catch (error) {
    await leaveAfterFailure(context, info);
    throw error;
  }
  if (passthrough !== undefined) await leave(context, info);
  return code;
}

async function leave(context: Context, info: InterceptInfo): Promise<void> {
  await context.call('leave', { name: info.name, namespace: info.namespace }, { signal: AbortSignal.timeout(LEAVE_TIMEOUT_MS) });
}

/** The first failure is the one to report; that of leaving is added to it. */
async function leaveAfterFailure(context: Context, info: InterceptInfo): Promise<void> {
  try {
    await leave(context, info);
  } catch (error) {
    context.output.warn(`the intercept ${info.name} could not be left again: ${messageOf(error)}`);
  }
}

function interceptParams(context: Context): Params {
  const { args, options, passthrough } = context;
  const [name] = args;
  if (name === undefined) throw new CodedError('TP-USAGE', 'There is no name of an intercept.');
  const params: Params = {
    name,
    withEnv: options.given('env-file') || options.given('env-json') || passthrough !== undefined || options.on('detailed-output'),
    fallback: options.on('fallback'),
    proofHeader: !options.on('no-proof-header'),
    plaintext: options.on('plaintext') || options.on('http-plaintext'),
    mount: mountWanted(options.text('mount')),
  };
  const ports = options.list('port');
  if (ports.length > 1)
    throw new CodedError('TP-UNSUPPORTED', 'More than one --port is planned, but not built yet.', {
      help: 'Make an intercept for each port: `telepresence intercept NAME --workload WORKLOAD --port …`.',
    });
  if (ports[0] !== undefined) Object.assign(params, parsePort(ports[0]));
  for (const [flag, key] of [
    ['namespace', 'namespace'],
    ['workload', 'workload'],
    ['service', 'service'],
    ['container', 'container'],
    ['address', 'address'],
  ] as const) {
    const value = options.text(flag);
    if (value !== undefined) params[key] = value;
  }
  const deployment = options.text('deployment');
  if (deployment !== undefined) params.workload ??= deployment;
  chooseMechanism(context, params);
  return params;
}

/** After a login an intercept takes only what its own preview URL (or whoever sends its header) sends; else all there is. */
function chooseMechanism({ options, paths }: Context, params: Params): void {
  const loggedIn = existsSync(paths.cloudFile);
  const { filter, word } = httpWishes(options);
  const mechanism = choice(options, 'mechanism', ['tcp', 'http'] as const);
  const filtered = filter !== undefined || word !== undefined;
  if (filtered && mechanism === 'tcp') throw new CodedError('TP-USAGE', '--http-… flags need the mechanism http.');
  const http = filtered || (mechanism ?? (loggedIn && params.protocol !== 'UDP' ? 'http' : 'tcp')) === 'http';
  params.mechanism = http ? 'http' : 'tcp';
  if (filter !== undefined) params.http = filter;
  const ownHeaders = (filter?.headers?.length ?? 0) > 0 || word === 'all';
  if (word === 'auto' || (http && loggedIn && !ownHeaders)) params.personal = true;
}

function previewWanted({ options, paths, output }: Context, params: Params): boolean {
  const loggedIn = existsSync(paths.cloudFile);
  const asked = options.given('preview-url') ? options.on('preview-url') : undefined;
  const ingress = ingressFlags(options);
  if (asked === false) {
    if (ingress.length > 0) throw new CodedError('TP-USAGE', `--${ingress[0]} is for a preview URL, and --preview-url=false wants none.`);
    return false;
  }
  const explicit = asked === true || ingress.length > 0;
  if (explicit && !loggedIn) throw new CodedError('TP-NOT-LOGGED-IN', 'A preview URL needs a login.');
  if (explicit && params.mechanism === 'tcp')
    throw new CodedError('TP-USAGE', 'A preview URL needs the mechanism http: an intercept of mechanism tcp takes all traffic.');
  if (explicit || !loggedIn || params.mechanism === 'tcp') return explicit;
  const headers = params.http?.headers?.length ?? 0;
  if (params.personal === true || headers === 1) return true;
  output.warn(`there is no preview URL: it could send one header, and the intercept matches ${headers === 0 ? 'none' : headers}.`);
  return false;
}

function ingressOf(context: Context, params: Params): ReturnType<typeof findIngress> {
  const { namespace, service } = params;
  return findIngress(context, {
    workload: params.workload ?? params.name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(service === undefined ? {} : { service }),
  });
}

/** `--mount`: true, false, or a path, each with `:ro` perhaps. */
function mountWanted(text: string | undefined): boolean {
  const value = text?.replace(/:ro$/, '') ?? 'true';
  if (value === 'false') return false;
  if (value === 'true' || value === '') return true;
  throw new CodedError('TP-UNSUPPORTED', `--mount ${value}: mounting volumes is planned, but not built yet.`, { help: 'Pass --mount=false.' });
}

/** Writes --env-file and --env-json; returns the environment for a command behind `--`. */
async function writeFiles(context: Context, info: InterceptInfo, syntax: EnvSyntax): Promise<Record<string, string>> {
  const { options, io, output } = context;
  const env: Record<string, string> = { ...info.environment, TELEPRESENCE_INTERCEPT_ID: info.id };
  if (info.container !== undefined) env.TELEPRESENCE_CONTAINER = info.container;
  const envFile = options.text('env-file');
  const envJson = options.text('env-json');
  if (envFile !== undefined) {
    const { text, left } = writeEnvironment(syntax, env);
    await writeEnvFile(resolve(io.cwd, envFile), text);
    for (const { name, reason } of left) output.warn(`${name} is not in ${envFile}: ${reason}. --env-json and other --env-syntax hold it.`);
  }
  if (envJson !== undefined) await writeEnvFile(resolve(io.cwd, envJson), writeEnvironment('json', env).text);
  return env;
}

/** The environment holds secrets: it is in the printed object only where it was asked for. */
function printable(info: InterceptInfo, detailed: boolean): Record<string, unknown> {
  const { environment, ...rest } = info;
  return {
    ...rest,
    disposition: info.state,
    workload_kind: info.workload.kind,
    target_host: info.target.host,
    target_port: info.target.port,
    ...(detailed ? { environment } : {}),
  };
}
