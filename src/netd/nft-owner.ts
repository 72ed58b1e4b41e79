/**
 * The live `nft -i` child that owns the table. Its standard input is a pipe from netd: however netd dies, the pipe
 * closes, the child ends, and the kernel deletes the table with it.
 */
import { spawn } from 'node:child_process';
import { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { SYSTEM_PATH } from '../base/system-path.ts';
import { NFT_ANSWER_TIMEOUT_MS } from './limits.ts';

export interface NftOwner {
  readonly pid: number | undefined;
  /** Runs one line as one transaction. Rejects with what nft said when it was refused: then nothing changed. Calls may not overlap. */
  run(line: string): Promise<void>;
  /** Ends the child and with it the table; resolves when both are gone. Idempotent. */
  close(): Promise<void>;
}

/** @param onDeath the child ended without {@link NftOwner.close}: the table is gone. */
export function startNftOwner(options: { log: Log; onDeath: (how: string) => void }): NftOwner {
  const { log, onDeath } = options;
  const env = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
  const child = spawn('nft', ['-i'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let closing = false;
  let over: CodedError | undefined;
  let heard = '';
  let marks = 0;
  let waiting: { mark: string; settle: (error?: CodedError) => void } | undefined;

  const end = (how: string) => {
    if (over !== undefined) return;
    over = new CodedError('TP-NETD-FAILED', `The nft process that holds the rules ended: ${how}.`);
    waiting?.settle(over);
    if (!closing) onDeath(how);
  };
  const gone = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end(error.message);
      resolve();
    });
    child.once('exit', (code, signal) => {
      end(signal ?? `exit code ${code}`);
      resolve();
    });
  });
  child.stdin.on('error', (error) => log.debug('the pipe to nft broke', { error }));
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
    const at = waiting === undefined ? -1 : heard.indexOf(waiting.mark);
    if (waiting === undefined || at < 0) return;
    // What stands before the complaint about the mark is about the transaction.
    // The line of carets under the mark before may come late: it is nobody's complaint.
    const said = heard
      .slice(0, heard.lastIndexOf('Error:', at))
      .replace(/^\s*\^+\s*/, '')
      .trim();
    heard = '';
    waiting.settle(said === '' ? undefined : new CodedError('TP-NETD-FAILED', `nft refused the rules: ${said}`));
  });

  return {
    get pid() {
      return child.pid;
    },
    run: (line) =>
      new Promise((resolve, reject) => {
        if (over !== undefined) return reject(over);
        // nft says nothing when a line succeeds. A question about a table that can't exist is answered by an error that quotes it, in order.
        const mark = `telepresence_mark_${++marks}`;
        const timer = setTimeout(
          () => waiting?.settle(new CodedError('TP-NETD-FAILED', `nft did not answer within ${NFT_ANSWER_TIMEOUT_MS} ms.`)),
          NFT_ANSWER_TIMEOUT_MS,
        );
        const settle = (error?: CodedError) => {
          clearTimeout(timer);
          waiting = undefined;
          if (error === undefined) resolve();
          else reject(error);
        };
        waiting = { mark, settle };
        child.stdin.write(`${line}\nlist table inet ${mark}\n`);
      }),
    close: () => {
      closing = true;
      child.stdin.end();
      child.kill('SIGKILL');
      return gone;
    },
  };
}
