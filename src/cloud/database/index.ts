/** The database: SQLite in a file by default, PostgreSQL where the address says so. The same tables and queries on both. */
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { DATABASE_POOL, DATABASE_TIMEOUT_MS } from '../limits.ts';
import { MIGRATIONS } from './migrations.ts';
import type { Tables } from './schema.ts';
import { sqliteDialect } from './sqlite.ts';

export type { Tables } from './schema.ts';

export type Db = Kysely<Tables>;

export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  readonly db: Db;
  /** PostgreSQL's pool, for what Kysely can't: notifications and rate limits. */
  readonly pool: pg.Pool | undefined;
  close(): Promise<void>;
}

const INT8 = 20;

/** Opens the database at `sqlite:PATH` or `postgres://…` and brings its tables up to date. Throws TP-CLOUD-DATABASE. */
export async function openDatabase(address: string, options: { log: Log }): Promise<Database> {
  const { log } = options;
  try {
    const database = address.startsWith('sqlite:') ? openSqlite(address.slice('sqlite:'.length)) : openPostgres(address, log);
    try {
      await migrate(database.db, log);
    } catch (error) {
      await database.close();
      throw error;
    }
    return database;
  } catch (error) {
    throw new CodedError('TP-CLOUD-DATABASE', `The database can't be used: ${messageOf(error)}.`, { cause: error });
  }
}

function openSqlite(file: string): Database {
  const db: Db = new Kysely<Tables>({ dialect: sqliteDialect(file) });
  return { kind: 'sqlite', db, pool: undefined, close: () => db.destroy() };
}

function openPostgres(address: string, log: Log): Database {
  const pool = new pg.Pool({
    connectionString: address,
    max: DATABASE_POOL,
    connectionTimeoutMillis: DATABASE_TIMEOUT_MS,
    query_timeout: DATABASE_TIMEOUT_MS * 2,
    types: { getTypeParser: (id, format) => (id === INT8 ? Number : pg.types.getTypeParser(id, format as 'text')) },
  });
  // Idle or in use: whoever uses it learns of it by its query, and the pool makes another. The pool itself listens only to idle ones.
  pool.on('connect', (client) => client.on('error', (error) => log.warn('a database connection was lost', { error: messageOf(error) })));
  pool.on('error', () => undefined);
  const db: Db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { kind: 'postgres', db, pool, close: () => db.destroy() };
}

async function migrate(db: Db, log: Log): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error, results } = await migrator.migrateToLatest();
  for (const result of results ?? []) if (result.status === 'Success') log.info('the database was brought up to date', { migration: result.migrationName });
  if (error !== undefined) throw error;
}
