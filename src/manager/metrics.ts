/** Counters and gauges in the Prometheus text format. */

export interface Counter {
  add(value?: number, labels?: Record<string, string>): void;
  value(labels?: Record<string, string>): number;
}
export interface Metrics {
  /** Makes a counter, or returns the one of that name. */
  counter(name: string, help: string): Counter;
  /** A number that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void;
  render(): string;
}

function labelText(labels: Record<string, string> | undefined): string {
  if (labels === undefined) return '';
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** @param prefix begins every name. */
export function createMetrics(prefix = 'telepresence_'): Metrics {
  const counters = new Map<string, { help: string; values: Map<string, number>; counter: Counter }>();
  const gauges = new Map<string, { help: string; read: () => number }>();
  return {
    counter(name, help) {
      const existing = counters.get(name);
      if (existing !== undefined) return existing.counter;
      const values = new Map<string, number>();
      const counter: Counter = {
        add: (value = 1, labels) => {
          const key = labelText(labels);
          values.set(key, (values.get(key) ?? 0) + value);
        },
        value: (labels) => values.get(labelText(labels)) ?? 0,
      };
      counters.set(name, { help, values, counter });
      return counter;
    },
    gauge(name, help, read) {
      gauges.set(name, { help, read });
    },
    render() {
      const lines: string[] = [];
      for (const [name, { help, values }] of counters) {
        lines.push(`# HELP ${prefix}${name} ${help}`, `# TYPE ${prefix}${name} counter`);
        if (values.size === 0) lines.push(`${prefix}${name} 0`);
        for (const [labels, value] of values) lines.push(`${prefix}${name}${labels} ${value}`);
      }
      for (const [name, { help, read }] of gauges) lines.push(`# HELP ${prefix}${name} ${help}`, `# TYPE ${prefix}${name} gauge`, `${prefix}${name} ${read()}`);
      return `${lines.join('\n')}\n`;
    },
  };
}
