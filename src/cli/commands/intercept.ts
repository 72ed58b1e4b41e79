import { resolve } from 'node:path';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { DaemonApi, InterceptInfo } from '../../protocol/daemon-api.ts';
import type { CommandSpec, Context } from '../command.ts';
import { writeEnvFile } from '../env-file.ts';
import { type EnvSyntax, parseEnvSyntax, writeEnvironment } from '../env-syntax/index.ts';
import { httpFilter } from '../http-filter.ts';
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

function interceptParams({ args, options, passthrough }: Context): Params {
  const [name] = args;
  if (name === undefined) throw new CodedError('TP-USAGE', 'There is no name of an intercept.');
  const params: Params = {
    name,
    withEnv: options.given('env-file') || options.given('env-json') || passthrough !== undefined || options.on('detailed-output'),
    fallback: options.on('fallback'),
    proofHeader: !options.on('no-proof-header'),
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
  const http = httpFilter(options);
  const mechanism = choice(options, 'mechanism', ['tcp', 'http'] as const);
  if (http !== undefined && mechanism === 'tcp' && options.given('mechanism')) throw new CodedError('TP-USAGE', '--http-… flags need the mechanism http.');
  if (http !== undefined) params.http = http;
  params.mechanism = http === undefined ? (mechanism ?? 'tcp') : 'http';
  return params;
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
