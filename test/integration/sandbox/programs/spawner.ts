/** The sandbox's spawner, alone. */
import { runSpawner } from '../../../../src/sandbox/node/runtime/spawner-main.ts';

runSpawner(process);
