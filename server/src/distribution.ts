import type { Metric, Registry } from "prom-client";

/** Counts by bucket in a typed array: an observation is a few comparisons and two additions. */
export class Distribution {
  private readonly counts: Float64Array;
  private sum = 0;
  count = 0;

  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]) bucket++;
    this.counts[bucket]++;
    this.sum += value;
    this.count++;
  }

  read(): Omit<Sample, "labels"> {
    return { bounds: this.bounds, counts: this.counts, sum: this.sum };
  }
}

/** One histogram under its labels. `counts` has one bucket more than `bounds`; they are not cumulative. */
export interface Sample {
  labels: Record<string, string>;
  bounds: readonly number[];
  counts: ArrayLike<number>;
  sum: number;
}

/** A histogram that is read when it is scraped. prom-client's own keeps objects per bucket and looks them up by label for every observation. */
export function register(registry: Registry, name: string, help: string, read: () => readonly Sample[]): void {
  const metric = {
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    reset() {},
    async get() {
      const values: { metricName: string; labels: Record<string, string | number>; value: number }[] = [];
      for (const { labels, bounds, counts, sum } of read()) {
        let below = 0;
        for (let i = 0; i <= bounds.length; i++) {
          below += counts[i];
          values.push({ metricName: `${name}_bucket`, labels: { ...labels, le: i < bounds.length ? bounds[i] : "+Inf" }, value: below });
        }
        values.push({ metricName: `${name}_sum`, labels, value: sum }, { metricName: `${name}_count`, labels, value: below });
      }
      return { name, help, type: "histogram", aggregator: "sum", values };
    },
  };
  registry.registerMetric(metric as unknown as Metric<string>);
}
