/** Every fuzzer, in the order in which they run. */
import type { FuzzTarget } from '../run.ts';
import { control } from './control.ts';
import { datagrams } from './datagrams.ts';
import { dns } from './dns.ts';
import { http } from './http-head.ts';
import { links } from './links.ts';

export const TARGETS: readonly FuzzTarget[] = [...links, ...dns, ...datagrams, ...http, ...control];
