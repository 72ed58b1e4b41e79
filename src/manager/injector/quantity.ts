/** Kubernetes' resource quantities (`100m`, `64Mi`, `1e3`). */

const SUFFIXES: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** In cores or bytes; NaN for what is no quantity (the API server lets none pass). */
export function parseQuantity(text: string | number): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(String(text));
  if (match === null) return Number.NaN;
  const [, digits = '', exponent = '', suffix = ''] = match;
  return Number(`${digits}${exponent}`) * (SUFFIXES[suffix] ?? Number.NaN);
}

/** Millicores for `cpu`, whole bytes for the rest, rounded up: a request may not fall below a minimum. */
export function formatQuantity(resource: string, value: number): string {
  if (resource === 'cpu') return `${Math.ceil(value * 1000 - 1e-9)}m`;
  return value % 2 ** 20 === 0 ? `${value / 2 ** 20}Mi` : String(Math.ceil(value));
}
