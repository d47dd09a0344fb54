/** A terminal whose last line may be written over. */
export interface Terminal {
  readonly columns: number
  write(text: string): void
}

/** How far something is; bytes, or null where nobody says how many there will be. */
interface Step {
  readonly received: number
  readonly total: number | null
}

/** How often a line on a terminal is written anew, at most. */
const drawAgainMs = 100
/** Without a terminal: so many lines in all. */
const printedSteps = 10
/** The rate is that of so long. */
const rateWindowMs = 5000
/** Cells of a bar at least and at most, and what stands around them. */
const [leastCells, mostCells, frame] = [8, 24, '[]  '.length]
const [kB, MB, GB] = [1e3, 1e6, 1e9]

/** Bytes as people write them: `12.8 MB`. */
export function sizeText(bytes: number): string {
  if (bytes >= GB) return `${(bytes / GB).toFixed(2)} GB`
  if (bytes >= MB) return `${(bytes / MB).toFixed(1)} MB`
  return bytes >= kB ? `${(bytes / kB).toFixed(1)} kB` : `${bytes} B`
}

/** Shows on a terminal how a download goes, on one line; elsewhere prints a line every 10 %. `end` leaves a clean line. */
export class ProgressBar {
  readonly #title: string
  readonly #print: (text: string) => void
  readonly #terminal: Terminal | undefined
  #seen: { readonly atMs: number; readonly received: number }[] = []
  #drawnAt = Number.NEGATIVE_INFINITY
  #printed = 0

  constructor(
    title: string,
    output: { readonly print: (text: string) => void; readonly terminal?: Terminal | undefined },
  ) {
    this.#title = title
    this.#print = output.print
    this.#terminal = output.terminal
  }

  /** `note` stands in front: who else is at work. */
  show(step: Step, note = ''): void {
    const now = performance.now()
    this.#seen = [
      ...this.#seen.filter(({ atMs }) => atMs > now - rateWindowMs),
      { atMs: now, received: step.received },
    ].slice(-200)
    if (this.#terminal === undefined) {
      this.#printSteps(step, note)
      return
    }
    if (now - this.#drawnAt < drawAgainMs && step.received !== step.total) return
    this.#drawnAt = now
    const room = this.#terminal.columns - 1
    this.#terminal.write(`\r${this.#lineOf(step, note, room).slice(0, room).padEnd(room)}`)
  }

  /** Clears the line. */
  end(): void {
    if (this.#terminal !== undefined && this.#drawnAt !== Number.NEGATIVE_INFINITY)
      this.#terminal.write(`\r${' '.repeat(this.#terminal.columns - 1)}\r`)
  }

  #printSteps({ received, total }: Step, note: string): void {
    if (total === null) {
      if (this.#seen.length === 1) this.#print(`${this.#title}: ${note}nobody says how large it is`)
      return
    }
    const steps = total === 0 ? printedSteps : Math.floor((received * printedSteps) / total)
    if (steps <= this.#printed) return
    this.#printed = steps
    this.#print(`${this.#title}: ${note}${percent(steps / printedSteps)}, ${sizeText(received)} of ${sizeText(total)}`)
  }

  /** The bar takes what room the words leave, or is left out. */
  #lineOf({ received, total }: Step, note: string, room: number): string {
    const rate = this.#rate()
    const speed = rate === null ? '' : `  ${sizeText(rate)}/s`
    const title = `${this.#title}  ${note}`
    if (total === null) return `${title}${sizeText(received)}${speed}`
    const fraction = total === 0 ? 1 : Math.min(1, received / total)
    const left = rate === null || rate === 0 ? '' : `  ${timeText((total - received) / rate)} left`
    const words = `${sizeText(received)} of ${sizeText(total)}  ${percent(fraction)}${speed}${left}`
    return `${title}${barText(fraction, room - title.length - words.length)}${words}`
  }

  /** Bytes a second; null until something can be said. */
  #rate(): number | null {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)]
    if (first === undefined || last === undefined || last.atMs - first.atMs < drawAgainMs) return null
    return Math.max(0, ((last.received - first.received) / (last.atMs - first.atMs)) * 1000)
  }
}

/** `[####....]  ` */
function barText(fraction: number, room: number): string {
  const cells = Math.min(mostCells, room - frame)
  if (cells < leastCells) return ''
  const full = Math.round(fraction * cells)
  return `[${'#'.repeat(full)}${'.'.repeat(cells - full)}]  `
}

function percent(fraction: number): string {
  return `${Math.floor(fraction * 100)} %`
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
