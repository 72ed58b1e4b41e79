/** Which columns each kind has. */
import type { Resource } from '../resources/registry.ts';
import { type Column, createdAt, nameColumn } from './column.ts';
import { networkTables } from './kinds/network.ts';
import { otherTables } from './kinds/others.ts';
import { nodeColumns, podColumns } from './kinds/pods.ts';
import { workloadTables } from './kinds/workloads.ts';

const PLAIN: Column[] = [nameColumn, createdAt];
const BUILT_IN: Record<string, Column[]> = { pods: podColumns, nodes: nodeColumns, ...workloadTables, ...networkTables, ...otherTables };

export function columnsOf(resource: Resource): Column[] {
  return resource.columns ?? BUILT_IN[resource.type.collection] ?? PLAIN;
}
