/** Text and when it is shown: seconds. */
interface Cue {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** SubRip: numbered blocks, `HH:MM:SS,mmm --> HH:MM:SS,mmm`. */
export function toSrt(cues: readonly Cue[]): string {
  return cues
    .map((cue, at) => `${at + 1}\n${stamp(cue.start, ',')} --> ${stamp(cue.end, ',')}\n${cueText(cue)}\n\n`)
    .join('')
}

/** WebVTT. */
export function toVtt(cues: readonly Cue[]): string {
  const blocks = cues.map((cue) => `${stamp(cue.start, '.')} --> ${stamp(cue.end, '.')}\n${cueText(cue)}\n\n`)
  return `WEBVTT\n\n${blocks.join('')}`
}

/** On one line, without what would end its block or its time. */
function cueText({ text }: Cue): string {
  return text.trim().replace(/\s+/g, ' ').replaceAll('-->', '→')
}

function stamp(seconds: number, point: ',' | '.'): string {
  const ms = Math.round(seconds * 1000)
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const clock = `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}`
  return `${clock}${point}${String(ms % 1000).padStart(3, '0')}`
}
