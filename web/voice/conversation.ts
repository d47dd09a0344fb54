/** One thing that was said. */
export interface Line {
  readonly id: string
  readonly who: 'you' | 'assistant'
  /** All of it that is known. */
  readonly text: string
  /** Characters of `text` that were heard; of what you say, all. */
  readonly heard: number
  /** `open`: more may come. `cut`: it was interrupted, and `text` is what was heard. */
  readonly state: 'open' | 'done' | 'cut'
}

interface Entry {
  readonly id: string
  readonly who: Line['who']
  text: string
  state: Line['state']
  /** Of its sound: received, and heard. */
  soundMs: number
  heardMs: number
  /** All of its sound is here. */
  isWhole: boolean
  /** It is written only. */
  isMute: boolean
}

/** Speech of usual pace; only until the length of the whole sound is known. */
const charactersPerMs = 0.015
/** Older lines are let go. */
const maxLines = 60

/** What was said so far, as the server tells it and the loudspeaker plays it. Knows neither. */
export class Conversation {
  readonly #entries = new Map<string, Entry>()

  get lines(): readonly Line[] {
    return [...this.#entries.values()].filter(({ text }) => text !== '').map(toLine)
  }

  /** More of what you are saying, or of what the assistant writes. */
  addText(id: string, who: Line['who'], delta: string): void {
    this.#entry(id, who).text += delta
  }

  /** The whole text, which replaces what was told before. Empty: there was nothing. */
  setText(id: string, who: Line['who'], text: string): void {
    const entry = this.#entry(id, who)
    entry.text = text
    entry.state = 'done'
    if (text === '') this.#entries.delete(id)
  }

  remove(id: string): void {
    this.#entries.delete(id)
  }

  addSound(id: string, ms: number): void {
    this.#entry(id, 'assistant').soundMs += ms
  }

  /** Nothing is added to it any more. `isMute`: it has no sound. */
  end(id: string, how: { readonly isMute: boolean }): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.isWhole = true
    entry.isMute = how.isMute
    if (entry.state === 'open') entry.state = 'done'
  }

  heard(id: string, ms: number): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.heardMs = Math.max(entry.heardMs, ms)
  }

  /** Nothing after `ms` of it was or will be heard. */
  cut(id: string, ms: number): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.heardMs = ms
    entry.text = entry.text.slice(0, heardOf(entry))
    entry.state = 'cut'
    if (entry.text === '') this.#entries.delete(id)
  }

  /** Nothing more comes of what is not over: the connection is gone. */
  breakOff(): void {
    for (const entry of [...this.#entries.values()])
      if (entry.who === 'assistant' && heardOf(entry) < entry.text.length) this.cut(entry.id, entry.heardMs)
      else this.end(entry.id, { isMute: entry.isMute })
  }

  /** What the server knows to have been heard of something that was cut. */
  correct(id: string, text: string): void {
    const entry = this.#entries.get(id)
    if (entry?.state !== 'cut') return
    entry.text = text
    if (text === '') this.#entries.delete(id)
  }

  #entry(id: string, who: Line['who']): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const entry: Entry = { id, who, text: '', state: 'open', soundMs: 0, heardMs: 0, isWhole: false, isMute: false }
    this.#entries.set(id, entry)
    for (const old of this.#entries.keys()) if (this.#entries.size > maxLines) this.#entries.delete(old)
    return entry
  }
}

function toLine(entry: Entry): Line {
  const { id, who, text, state } = entry
  return { id, who, text, state, heard: heardOf(entry) }
}

/** The protocol does not tell when a word is spoken: what was heard of the text is in proportion, up to the end of a word. */
function heardOf({ who, text, state, soundMs, heardMs, isWhole, isMute }: Entry): number {
  if (who === 'you' || isMute || state === 'cut') return text.length
  if (heardMs <= 0) return 0
  if (isWhole && heardMs >= soundMs) return text.length
  const at = Math.floor(isWhole ? (text.length * heardMs) / soundMs : heardMs * charactersPerMs)
  if (at >= text.length) return text.length
  return Math.max(0, text.lastIndexOf(' ', at))
}
