/** What the programs that a script starts are given: this Node first, so that tools with `#!/usr/bin/env node` run on it as well; `ip` and `nft` for whoever has no way to them. */
import path from 'node:path';
import { withSystemFolders } from '../src/base/system-path.ts';

export function toolEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${path.dirname(process.execPath)}:${withSystemFolders(process.env['PATH'])}` };
}
