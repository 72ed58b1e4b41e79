/** Writes the table of docs/compatibility.md anew from the command tree; what stands above it is kept. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../src/cli/command-tree.ts';
import { compatibilityTable } from '../src/cli/compatibility.ts';

const file = join(import.meta.dirname, '..', 'docs', 'compatibility.md');
const text = readFileSync(file, 'utf8');
writeFileSync(file, `${text.slice(0, text.indexOf('| command |'))}${await compatibilityTable(COMMANDS)}`);
