/**
 * The node of a sandbox: runs the pods that the API has, and tells the API what became of them. Its scheduler gives them to it.
 *
 *   const node = await startNode({ context, libc, spawner, network, images, … });
 */
import type { NodeStreams } from '../contract.ts';
import { NODES, PODS, SERVICES } from '../controllers/core/types.ts';
import type { NodeContext } from './context.ts';
import { registerNodes } from './node-object.ts';
import { startPods } from './pod/pods.ts';
import { startScheduler } from './scheduling/scheduler.ts';
import { createNodeStreams } from './streams.ts';

export interface SandboxNode {
  streams: NodeStreams;
  /** Ends every pod. */
  close(): Promise<void>;
}

export async function startNode(options: Omit<NodeContext, 'pods' | 'services'>): Promise<SandboxNode> {
  const context: NodeContext = { ...options, pods: options.cache(PODS), services: options.cache(SERVICES) };
  await Promise.all([context.pods.ready, context.services.ready, context.cache(NODES).ready]);
  await registerNodes(context);
  const pods = startPods(context);
  startScheduler(context);
  return { streams: createNodeStreams(context, pods), close: () => pods.close() };
}
