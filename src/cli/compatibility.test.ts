import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flagName, flagShort } from './command.ts';
import { COMMANDS } from './command-tree.ts';
import { compatibilityTable } from './compatibility.ts';
import { GLOBAL_FLAGS } from './flags.ts';

describe('the command tree', () => {
  it('is what docs/compatibility.md says (else: node scripts/compatibility.ts)', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
    expect(text.slice(text.indexOf('| command |'))).toBe(await compatibilityTable(COMMANDS));
  });

  it('has each command once, under the name it is found by', async () => {
    for (const entry of COMMANDS) {
      const spec = await entry.load();
      expect([spec.name, ...(spec.aliases ?? [])]).toEqual(entry.names);
      expect(spec.state ?? 'built').toBe(spec.run === undefined ? (spec.state ?? 'missing') : 'built');
    }
    const names = COMMANDS.flatMap(({ names: all }) => all);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has no flag twice in a command', async () => {
    for (const entry of COMMANDS) {
      const flags = (await entry.load()).flags ?? [];
      const all = [...flags.map(flagName), ...flags.flatMap((flag) => flagShort(flag) ?? [])];
      expect([entry.names[0], all.filter((name, index) => all.indexOf(name) !== index)]).toEqual([entry.names[0], []]);
    }
    expect(GLOBAL_FLAGS.map(flagName)).toHaveLength(6);
  });
});
