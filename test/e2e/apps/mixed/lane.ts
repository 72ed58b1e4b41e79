/** What the lanes of the mixed load share: whom a request is for, and how it is judged. */

/** Who is to answer, and the ways to ask for that. */
export interface Place {
  /** The name in its answers. */
  name: string;
  /** What a request carries to be answered by it, when it asks the Service itself. */
  header?: { name: string; value: string };
  /** The intercept's name, in the answer's proof. */
  proof?: string;
  /** Its public address: a preview's at the cloud, or the normal one at the ingress controller. */
  door: { host: string; address: string; port: number };
}

export interface MixedTask {
  places: Place[];
  /** Host of the Service, port 80. */
  service: string;
  /** How many requests each lane makes, by a share of this. */
  requests: number;
}

export interface LaneOutcome {
  lane: string;
  requests: number;
  /** Seconds. */
  took: number;
  /** What was wrong, one by one; the first of them. */
  wrong: string[];
  wrongs: number;
}

/** Makes one request, number `i`; rejects when it failed or was answered by another than it was for. */
export type Ask = (i: number) => Promise<void>;
export interface Lane {
  requests: number;
  atOnce: number;
  ask: Ask;
  close: () => void;
}

const SHOWN = 20;
const PROOF = 'x-telepresence-intercepted-by';

export async function outcomeOf(name: string, task: MixedTask, make: (task: MixedTask) => Lane): Promise<LaneOutcome> {
  const { requests, atOnce, ask, close } = make(task);
  const begun = performance.now();
  const wrong: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests) {
      const i = next++;
      await ask(i).catch((error: unknown) => wrong.push(`${i}: ${error instanceof Error ? error.message : String(error)}`));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  close();
  return { lane: name, requests, took: (performance.now() - begun) / 1_000, wrong: wrong.slice(0, SHOWN), wrongs: wrong.length };
}

/** Spreads the places over requests without a pattern that a connection could share. */
export function placeOf({ places }: MixedTask, i: number): Place {
  return places[(Math.imul(i ^ (i >>> 3), 0x9e3779b1) >>> 8) % places.length] as Place;
}

export const bodyOf = (i: number): string => (i % 3 === 0 ? 'x'.repeat((i * 37) % 3_000) : '');

/** Holds an answer against its request. */
export function judge(place: Place, i: number, sent: string, got: { status: number | undefined; proof: unknown; text: string }): void {
  const expected = `${place.name} /${i} ${sent.length}`;
  if (got.status === 200 && got.text === expected && got.proof === place.proof) return;
  throw new Error(`for ${place.name}: status ${got.status}, “${got.text.slice(0, 200)}” instead of “${expected}”, proof ${String(got.proof)}`);
}

export const proofOf = (headers: Record<string, unknown>): unknown => headers[PROOF];
