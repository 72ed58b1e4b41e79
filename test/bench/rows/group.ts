import type { Row } from '../measure.ts';
import type { Desk } from '../scene.ts';

/** How much is measured. */
export interface Effort {
  /** Of a load that lasts by time. */
  seconds: number;
  /** Of one flow. */
  bytes: number;
  /** Flows within the cluster are an order of magnitude faster. */
  bytesInCluster: number;
  /** First intercepts one after the other. */
  many: number;
}

/** Rows that need the same preparation. Nothing is prepared when none of the rows is asked for. */
export interface Group {
  rows: Row[];
  before(): Promise<void>;
  after(): Promise<void>;
}

export type MakeGroup = (desk: Desk, effort: Effort) => Group;

/** Keeps what one row measured for the row that reports the other half of it. */
export function shared(): { put(value: number): void; take(): number } {
  const values: number[] = [];
  return { put: (value) => void values.push(value), take: () => values.shift() ?? Number.NaN };
}
