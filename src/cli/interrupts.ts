/** SIGINT, SIGTERM and SIGHUP as an AbortSignal; while the user's own command runs they are redirected to it. */
import type { Interrupts } from './cli-io.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

interface SignalSource {
  on(event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/** The first signal aborts; another one, while undoing still goes on, ends the process. */
export function processInterrupts(source: SignalSource): Interrupts {
  const controller = new AbortController();
  let handler: ((signal: NodeJS.Signals) => void) | undefined;
  for (const name of SIGNALS) {
    source.on(name, (signal) => {
      if (handler !== undefined) handler(signal);
      else if (controller.signal.aborted) source.exit(128 + NUMBERS[name]);
      else controller.abort(signal);
    });
  }
  return {
    signal: controller.signal,
    redirect(to) {
      handler = to;
      return () => {
        if (handler === to) handler = undefined;
      };
    },
  };
}
