/** What a cluster must be for the e2e tests to run on it. */
import type { RunOptions } from './run.ts';
import type { Workstation } from './workstation.ts';

export interface TestCluster {
  /** Kubeconfig of an administrator. */
  kubeconfig: string;
  server: string;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  apply(yaml: string): Promise<void>;
  /** A workstation of its own: network namespace, HOME, nothing running. */
  workstation(name: string, options?: { kubeconfig?: string; rtt?: number; binary?: string }): Promise<Workstation>;
  /** Writes a kubeconfig for a user without rights; returns its path. */
  user(name: string, groups?: readonly string[]): Promise<string>;
  loadImage(tar: string): Promise<void>;
  /** An image of one static program, unless there is one of that name. */
  loadProgram(reference: string, file: string, place: string): Promise<void>;
  /** `cut`, `blackhole` and `mend` of a workstation by its name; more only where a part of the cluster is a process of its own. */
  fault(...args: string[]): Promise<void>;
}

export interface ClusterMaker {
  /** Why it can't be had on this machine; undefined when it can. */
  readonly missing: string | undefined;
  /** Starts it if it is not up; with `fresh`, an empty one. */
  start(options: { fresh: boolean }): Promise<TestCluster>;
}
