/**
 * Completion scripts, generated from the command tree and self-contained: pressing Tab starts no process of ours. Commands and flags
 * that are not built are not offered.
 */
import type { CommandEntry } from '../command.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { completionCommands } from './model.ts';
import { zshCompletion } from './zsh.ts';

export const COMPLETION_SHELLS = ['bash', 'zsh', 'fish'] as const;

export async function completionScript(shell: (typeof COMPLETION_SHELLS)[number], entries: readonly CommandEntry[]): Promise<string> {
  const commands = await completionCommands(entries);
  if (shell === 'bash') return bashCompletion(commands);
  return shell === 'zsh' ? zshCompletion(commands) : fishCompletion(commands);
}
