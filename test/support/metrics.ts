/** A line of Prometheus' text format. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Reads the text format; throws at a line that is none, and at a sample without HELP and TYPE before it. */
export function parseMetrics(text: string): Sample[] {
  const told = new Set<string>()
  const samples: Sample[] = []
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const about = /^# (HELP|TYPE) ([a-z_]+) ./.exec(line)
    if (about) told.add(`${about[1]} ${about[2]}`)
    else samples.push(parseSample(line, told))
  }
  return samples
}

function parseSample(line: string, told: ReadonlySet<string>): Sample {
  const [, name = '', list = '', value = ''] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  const family = name.replace(/_(bucket|sum|count)$/, '')
  const known = [name, family].some((one) => told.has(`HELP ${one}`) && told.has(`TYPE ${one}`))
  if (!known || value === '' || Number.isNaN(Number(value.replace('Inf', 'Infinity'))))
    throw new Error(`Expected a sample of a described metric, received: ${line}`)
  const labels = [...list.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text])
  return { name, labels: Object.fromEntries(labels), value: Number(value) }
}

/** The value of the one sample with these labels, and maybe more; undefined when there is none. */
export function sampleOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}) {
  return samples.find(
    (sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  )?.value
}
