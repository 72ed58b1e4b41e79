/** The sandbox is a program of its own: the CLI starts it and shows what it prints. */
import { getCompileCacheDir } from 'node:module';
import type { Context } from './command.ts';
import { runChild } from './run-child.ts';

export async function runSandbox({ io }: Context, args: readonly string[]): Promise<number> {
  // what it loads is compiled once for all its starts, as what the CLI itself loads is
  const cache = getCompileCacheDir();
  return runChild([io.execPath, io.program('sandbox'), ...args], cache === undefined ? io.env : { ...io.env, NODE_COMPILE_CACHE: cache }, io);
}
