/** Numbers for Prometheus, in its text format. Names begin with `telepresence_cloud_`. */
type Labels = Record<string, string>;

interface Series {
  help: string;
  type: 'counter' | 'gauge';
  values: Map<string, number>;
  read?: () => number;
}

export interface Metrics {
  /** A counter; its labels' values must come from a small set. */
  counter(name: string, help: string): { add(labels?: Labels, by?: number): void };
  /** A number that is read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void;
  render(): string;
}

const PREFIX = 'telepresence_cloud_';
const quoted = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const labelText = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${quoted(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

export function createMetrics(): Metrics {
  const all = new Map<string, Series>();
  return {
    counter(name, help) {
      const series = all.get(name) ?? { help, type: 'counter', values: new Map<string, number>() };
      all.set(name, series);
      return {
        add: (labels = {}, by = 1) => {
          const key = labelText(labels);
          series.values.set(key, (series.values.get(key) ?? 0) + by);
        },
      };
    },
    gauge(name, help, read) {
      all.set(name, { help, type: 'gauge', values: new Map(), read });
    },
    render() {
      let text = '';
      for (const [name, series] of all) {
        text += `# HELP ${PREFIX}${name} ${series.help}\n# TYPE ${PREFIX}${name} ${series.type}\n`;
        if (series.read !== undefined) text += `${PREFIX}${name} ${series.read()}\n`;
        for (const [labels, value] of series.values) text += `${PREFIX}${name}${labels} ${value}\n`;
      }
      return text;
    },
  };
}
