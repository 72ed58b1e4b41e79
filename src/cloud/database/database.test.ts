import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { postgresMissing, startPostgres } from '../testing/postgres.ts';
import { openDatabase } from './index.ts';

describe.skipIf(postgresMissing !== undefined)(`PostgreSQL${postgresMissing === undefined ? '' : ` (${postgresMissing})`}`, () => {
  it('that crashes while its connections are in use fails what they were used for, and nothing else', async () => {
    const postgres = await startPostgres();
    const database = await openDatabase(await postgres.database('crash'), { log: silentLog });
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown) => void uncaught.push(error);
    process.on('uncaughtException', onUncaught);
    try {
      const used = database.db.connection().execute(async (connection) => {
        await sql`select 1`.execute(connection);
        await postgres.kill();
        await sql`select 1`.execute(connection);
      });
      await expect(used).rejects.toThrow(/connection/i);
      await postgres.start();
      await expect(sql`select 1`.execute(database.db)).resolves.toBeDefined();
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', onUncaught);
      await database.close();
      await postgres.stop();
    }
  });
});
