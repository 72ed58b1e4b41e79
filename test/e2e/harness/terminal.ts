/** Somebody at a terminal of a workstation: a line typed, and an answer typed after each question. */
import { spawn } from 'node:child_process';
import type { Workstation } from './workstation.ts';

export interface Typed {
  /** The screen after the line was typed, without carriage returns and without progress lines that were taken back. */
  screen: string;
  code: number | null;
}

/** Runs `line` on a terminal; each time the screen ends with `prompt`, the next answer is typed. Fails after `timeoutMs`. */
export function typeOnTerminal(
  workstation: Workstation,
  line: string,
  options: { prompt: RegExp; answers: readonly string[]; env?: NodeJS.ProcessEnv; timeoutMs?: number },
): Promise<Typed> {
  const { prompt, timeoutMs = 90_000 } = options;
  const answers = [...options.answers];
  const child = spawn('ip', ['netns', 'exec', `lab-${workstation.name}`, 'script', '-qefc', line, '/dev/null'], {
    env: { ...workstation.env, ...options.env, TERM: 'xterm' },
  });
  return new Promise((resolve, reject) => {
    let raw = '';
    let seen = 0;
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${line}: not over within ${timeoutMs} ms; on the screen:\n${raw}`));
    }, timeoutMs);
    child.stdin.on('error', () => undefined);
    child.once('error', reject);
    const look = (chunk: Buffer): void => {
      raw += chunk.toString();
      if (!prompt.test(raw.slice(seen))) return;
      seen = raw.length;
      const answer = answers.shift();
      if (answer !== undefined) child.stdin.write(`${answer}\n`);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve({ screen: clean(raw), code });
    });
  });
}

const TAKE_BACK = `\r${String.fromCharCode(27)}\\[K`;

/** What is left to read when a progress line has been overwritten. */
function clean(raw: string): string {
  return raw.replace(new RegExp(`(${TAKE_BACK}[^\\r\\n]*)*${TAKE_BACK}`, 'g'), '').replace(/\r/g, '');
}
