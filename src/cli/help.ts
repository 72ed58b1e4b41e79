/** Help of the program and of a group of commands; each command's own comes from its flags. */
import type { CommandEntry, CommandSpec } from './command.ts';

const INTRO = `Telepresence connects this workstation to a Kubernetes cluster, and sends a service's traffic to a process on it.

Usage:
  telepresence [command] [flags]
`;

/** @param group `''` for the whole program, `helm` for the commands that begin so. */
export async function groupHelp(commands: readonly CommandEntry[], group: string): Promise<string> {
  const prefix = group === '' ? '' : `${group} `;
  const specs = (await Promise.all(commands.filter((entry) => entry.names[0].startsWith(prefix)).map((entry) => entry.load()))).filter(
    (spec) => spec.hidden !== true,
  );
  const built = specs.filter((spec) => (spec.state ?? 'built') === 'built');
  const planned = specs.filter((spec) => spec.state === 'planned');
  const head = group === '' ? INTRO : `Usage:\n  telepresence ${group} [command] [flags]\n`;
  const more = planned.length === 0 ? '' : `\nPlanned (they fail with TP-UNSUPPORTED):\n${table(planned)}`;
  const flags = `\nFlags of every command:
  --config <file>     client config file
  --format <format>   structured output: default, json, yaml or json-stream
  --progress <mode>   progress lines: auto, tty, plain, json or quiet
  --use <regexp>      regular expression that the name of the connection must match
  -h, --help          show what a command takes
`;
  return `${head}${built.length === 0 ? '' : `\nCommands:\n${table(built)}`}${more}${flags}`;
}

function table(specs: readonly CommandSpec[]): string {
  const width = Math.max(...specs.map((spec) => spec.name.length));
  return specs.map((spec) => `  ${spec.name.padEnd(width)}   ${spec.summary}\n`).join('');
}
