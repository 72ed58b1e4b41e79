/** The sandbox is a program of its own: the CLI starts it and shows what it prints. */
import type { Context } from './command.ts';
import { runChild } from './run-child.ts';

export async function runSandbox({ io }: Context, args: readonly string[]): Promise<number> {
  return runChild([io.execPath, io.program('sandbox'), ...args], io.env, io);
}
