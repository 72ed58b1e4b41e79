/** The sandbox’s ingress controller’s entry: environment in, exit code out. */
import { runProgram } from '../src/base/run-program.ts';
import { main } from '../src/ingress/main.ts';

await runProgram(main);
