/** An object, or nothing where there is none. */
import { statusOf } from '../../kube/status-error.ts';
import { type ClusterClient, StatusError } from '../contract.ts';

export function isNotFound(error: unknown): boolean {
  return (error instanceof StatusError ? error.code : statusOf(error)?.code) === 404;
}

export async function getIfThere<T>(client: Pick<ClusterClient, 'get'>, path: string): Promise<T | undefined> {
  try {
    return await client.get<T>(path);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
