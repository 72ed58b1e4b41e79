/**
 * How Node is started for the programs that carry bytes. Their heaps are small and their garbage is buffers: collecting with helper
 * threads makes the one thread that works wait for threads that get no CPU, a fifth of a flow's cost on a busy machine. A small
 * young generation gives the buffers' memory back sooner, and collecting it after so many bytes (src/mux/spent-buffers.ts needs `gc`) sooner
 * still. docs/performance.md has the figures.
 */
export const NODE_FLAGS: readonly string[] = ['--single-threaded-gc', '--max-semi-space-size=4', '--expose-gc'];

/** And how its malloc is set: one arena in place of one for each of its threads, of which one works. 3 MiB less of an idle program. */
export const MALLOC_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };
