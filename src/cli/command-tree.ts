/**
 * Every command, with the file that holds it. Only the one that runs is loaded; `--help`, completion and the
 * compatibility table load them all.
 */
import type { CommandEntry } from './command.ts';

function unbuilt(name: string): CommandEntry {
  return {
    names: [name],
    load: async () => {
      const { unbuiltCommands } = await import('./unbuilt/index.ts');
      const found = unbuiltCommands().find((spec) => spec.name === name);
      if (found === undefined) throw new Error(`no such command among the unbuilt: ${name}`);
      return found;
    },
  };
}

const BUILT: CommandEntry[] = [
  { names: ['completion'], load: async () => (await import('./commands/completion.ts')).command },
  { names: ['config view'], load: async () => (await import('./commands/config-view.ts')).command },
  { names: ['connect'], load: async () => (await import('./commands/connect.ts')).command },
  { names: ['dashboard'], load: async () => (await import('./commands/dashboard.ts')).command },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).command },
  { names: ['gather-logs'], load: async () => (await import('./commands/gather-logs.ts')).command },
  { names: ['helm install'], load: async () => (await import('./commands/helm-install.ts')).command },
  { names: ['helm lint'], load: async () => (await import('./commands/helm-lint.ts')).command },
  { names: ['helm uninstall'], load: async () => (await import('./commands/helm-uninstall.ts')).command },
  { names: ['helm upgrade'], load: async () => (await import('./commands/helm-upgrade.ts')).command },
  { names: ['helm version'], load: async () => (await import('./commands/helm-version.ts')).command },
  { names: ['intercept'], load: async () => (await import('./commands/intercept.ts')).command },
  { names: ['leave', 'detach'], load: async () => (await import('./commands/leave.ts')).command },
  { names: ['list'], load: async () => (await import('./commands/list.ts')).command },
  { names: ['list-contexts'], load: async () => (await import('./commands/list-contexts.ts')).command },
  { names: ['list-namespaces'], load: async () => (await import('./commands/list-namespaces.ts')).command },
  { names: ['login'], load: async () => (await import('./commands/login.ts')).command },
  { names: ['loglevel'], load: async () => (await import('./commands/loglevel.ts')).command },
  { names: ['logout'], load: async () => (await import('./commands/logout.ts')).command },
  { names: ['preview create'], load: async () => (await import('./commands/preview-create.ts')).command },
  { names: ['preview remove'], load: async () => (await import('./commands/preview-remove.ts')).command },
  { names: ['quit'], load: async () => (await import('./commands/quit.ts')).command },
  { names: ['sandbox down'], load: async () => (await import('./commands/sandbox/down.ts')).command },
  { names: ['sandbox kubeconfig'], load: async () => (await import('./commands/sandbox/kubeconfig.ts')).command },
  { names: ['sandbox status'], load: async () => (await import('./commands/sandbox/status.ts')).command },
  { names: ['sandbox up'], load: async () => (await import('./commands/sandbox/up.ts')).command },
  { names: ['status'], load: async () => (await import('./commands/status.ts')).command },
  { names: ['uninstall'], load: async () => (await import('./commands/uninstall.ts')).command },
  { names: ['version'], load: async () => (await import('./commands/version.ts')).command },
];

/** Commands of the original, of 2.0 to 2.31, that are not built. */
const UNBUILT_NAMES = [
  'apply',
  'current-cluster-id',
  'curl',
  'delete',
  'docker-run',
  'genyaml',
  'genyaml annotations',
  'genyaml config',
  'genyaml container',
  'genyaml initcontainer',
  'genyaml volume',
  'ingest',
  'kubeauthd',
  'license',
  'man-pages',
  'replace',
  'revoke',
  'rootd',
  'serve',
  'test-vpn',
  'userd',
  'wiretap',
  'mcp start',
  'mcp stream',
  'mcp tools',
  'mcp claude disable',
  'mcp claude enable',
  'mcp claude list',
  'mcp cursor disable',
  'mcp cursor enable',
  'mcp cursor list',
  'mcp vscode disable',
  'mcp vscode enable',
  'mcp vscode list',
  'compose',
];

/** Of Docker Compose, which the original wraps. */
const COMPOSE_NAMES = [
  'attach',
  'bridge',
  'build',
  'commit',
  'config',
  'cp',
  'create',
  'down',
  'events',
  'exec',
  'export',
  'images',
  'kill',
  'logs',
  'ls',
  'pause',
  'port',
  'ps',
  'publish',
  'pull',
  'push',
  'restart',
  'rm',
  'run',
  'scale',
  'start',
  'stats',
  'stop',
  'top',
  'unpause',
  'up',
  'version',
  'volumes',
  'wait',
  'watch',
];

/** In alphabetical order. */
export const COMMANDS: CommandEntry[] = [...BUILT, ...[...UNBUILT_NAMES, ...COMPOSE_NAMES.map((name) => `compose ${name}`)].map(unbuilt)].sort((a, b) =>
  a.names[0] < b.names[0] ? -1 : 1,
);

export type Found =
  | { kind: 'command'; entry: CommandEntry; words: number }
  | { kind: 'group'; name: string; words: number }
  | { kind: 'root' }
  | { kind: 'unknown'; name: string };

/** Finds the command that `words` begin with: the longest path wins. */
export function findCommand(words: readonly string[]): Found {
  if (words.length === 0) return { kind: 'root' };
  for (let count = Math.min(3, words.length); count > 0; count--) {
    const name = words.slice(0, count).join(' ');
    const entry = COMMANDS.find((one) => one.names.includes(name));
    if (entry !== undefined) return { kind: 'command', entry, words: count };
    if (COMMANDS.some((one) => one.names[0].startsWith(`${name} `))) return { kind: 'group', name, words: count };
  }
  return { kind: 'unknown', name: words[0] ?? '' };
}
