import type { State } from '../command.ts';

/** One command in a line: flags as commander reads them. */
export type Unbuilt = [name: string, state: Exclude<State, 'built'>, summary: string, flags?: string[]];

/** Stands for kubectl's flags. */
export const KUBE = 'kubectl flags';
