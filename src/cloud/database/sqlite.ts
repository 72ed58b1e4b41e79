/** node:sqlite in the shape that Kysely's SQLite dialect asks for. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';

/** Statements kept prepared; the cloud has fewer. */
export const SQLITE_STATEMENTS = 300;
/** How long a write waits for another process, say a backup, that holds the file. */
export const SQLITE_BUSY_MS = 5_000;

class Statement implements SqliteStatement {
  readonly reader: boolean;
  #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.#statement.all(...(parameters as SQLInputValue[]));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement.run(...(parameters as SQLInputValue[]));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.#statement.iterate(...(parameters as SQLInputValue[]));
  }
}

class Database implements SqliteDatabase {
  #database: DatabaseSync;
  #statements = new Map<string, Statement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = new Statement(this.#database.prepare(sql));
    if (this.#statements.size < SQLITE_STATEMENTS) this.#statements.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** Opens (or makes, readable by its owner alone) the file; `:memory:` for tests. */
export function sqliteDialect(file: string): SqliteDialect {
  if (file !== ':memory:') {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
  }
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: true });
  // WAL with NORMAL loses nothing at a crash of the process; FULL keeps the last commits at a power cut too.
  database.exec(`PRAGMA busy_timeout = ${SQLITE_BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`);
  return new SqliteDialect({ database: new Database(database) });
}
