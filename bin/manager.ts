/** The traffic-manager's entry: environment in, exit code out. */
import { runProgram } from '../src/base/run-program.ts';
import { main } from '../src/manager/main.ts';

await runProgram(main);
