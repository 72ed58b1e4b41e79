/** The cloud's entry: environment in, exit code out. */
import process from 'node:process';
import { runProgram } from '../src/base/run-program.ts';
import { main } from '../src/cloud/main.ts';

await runProgram((options) => main({ ...options, print: (text) => process.stdout.write(text) }));
