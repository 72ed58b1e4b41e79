/**
 * Node's `http` without what an import of it costs. An ES module that imports a builtin reads all of its exports, and three of http's
 * (WebSocket, MessageEvent, CloseEvent) load Node's whole fetch: 45 ms of CPU at each start, and 6 MiB in each process.
 * `import type … from 'node:http'` costs nothing. Held by test/architecture.test.ts.
 */
export const { Agent, createServer, IncomingMessage, request, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');
export type ServerResponse = InstanceType<typeof ServerResponse>;
