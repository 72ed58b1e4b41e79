import type { Unbuilt } from './unbuilt.ts';

const LOG = '--log-level <level>';

function editor(name: string, title: string, workspace: string[]): Unbuilt[] {
  const shared = ['--config-path <file>', ...workspace];
  return [
    [`mcp ${name} disable`, 'planned', `Remove the MCP server from ${title}`, [...shared, '--server-name <name>']],
    [`mcp ${name} enable`, 'planned', `Add the MCP server to ${title}`, [...shared, '-e, --env <key=value>', LOG, '--server-name <name>']],
    [`mcp ${name} list`, 'planned', `Show the MCP servers of ${title}`, shared],
  ];
}

export const mcp: Unbuilt[] = [
  ...editor('claude', 'Claude Desktop', []),
  ...editor('cursor', 'Cursor', ['--workspace']),
  ...editor('vscode', 'VS Code', ['--workspace']),
  ['mcp start', 'planned', 'Start the MCP server', [LOG]],
  ['mcp stream', 'planned', 'Start the MCP server over HTTP', ['--host <host>', LOG, '--port <port>']],
  ['mcp tools', 'planned', 'Show the tools of the MCP server as JSON', [LOG]],
];
