export type Environment = Readonly<Record<string, string>>;

/** One variable as a line with its newline, or why it can't be written. */
export type LineWriter = (name: string, value: string) => string | { reason: string };
