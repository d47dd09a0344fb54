import type { Counter, Gauge } from 'prom-client'

/** Values of one metric, by their labels. */
export type Rows = readonly (readonly [labels: Readonly<Record<string, string | number>>, value: number])[]

/** Absent while nothing is known. */
export function setKnown(metric: Gauge, value: number | null): void {
  if (value === null) metric.remove()
  else metric.set(value)
}

/** Gives the metric these values, and forgets those that are no more. */
export function fill(metric: Counter | Gauge, rows: Rows): void {
  metric.reset()
  for (const [labels, value] of rows) metric.inc(labels, value)
}
