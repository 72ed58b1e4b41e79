/** Amounts of CPU and memory: what they say, and how the API server writes them. */

const QUANTITY = /^([+-]?)(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

interface Parts {
  /** In the smallest unit, 10^-9. */
  nano: bigint;
  form: 'decimal' | 'binary' | 'exponent';
}

function parse(text: string): Parts | undefined {
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, sign = '', digits = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const base = BigInt(`${whole}${fraction.slice(0, 18)}` || '0');
  const scale = BigInt(Math.min(fraction.length, 18));
  let nano: bigint;
  let form: Parts['form'] = 'decimal';
  if (/^[eE][+-]?\d+$/.test(suffix)) {
    form = 'exponent';
    nano = scaled(base, Number(suffix.slice(1)) + 9 - Number(scale));
  } else if (suffix.endsWith('i')) {
    form = 'binary';
    nano = scaled(base * 1024n ** BigInt(BINARY.indexOf(suffix)), 9 - Number(scale));
  } else nano = scaled(base, (DECIMAL.indexOf(suffix) - 3) * 3 + 9 - Number(scale));
  return { nano: sign === '-' ? -nano : nano, form };
}

function scaled(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  // Never less than what was asked for.
  return (value + divisor - 1n) / divisor;
}

/** As a number; undefined for what is no quantity. */
export function quantityValue(value: unknown): number | undefined {
  const parts = typeof value === 'string' || typeof value === 'number' ? parse(String(value)) : undefined;
  return parts === undefined ? undefined : Number(parts.nano) / 1e9;
}

/** `0.5` is `500m`, `1024Mi` is `1Gi`. Undefined for what is no quantity. */
export function canonicalQuantity(value: string): string | undefined {
  const parts = parse(value);
  if (parts === undefined) return undefined;
  const { nano, form } = parts;
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  const amount = nano < 0n ? -nano : nano;
  const ONE = 10n ** 9n;
  if (form === 'exponent') return value;
  if (form === 'binary' && amount % ONE === 0n) {
    let rest = amount / ONE;
    let unit = 0;
    while (rest % 1024n === 0n && unit < BINARY.length - 1) {
      rest /= 1024n;
      unit++;
    }
    return `${sign}${rest}${BINARY[unit] ?? ''}`;
  }
  let rest = amount;
  let unit = 0;
  while (rest % 1000n === 0n && unit < DECIMAL.length - 1) {
    rest /= 1000n;
    unit++;
  }
  return `${sign}${rest}${DECIMAL[unit] ?? ''}`;
}
