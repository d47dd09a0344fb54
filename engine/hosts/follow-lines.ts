import type { Readable } from 'node:stream'

/** Longer lines are cut. */
const maxLineLength = 500
/** More lines within a second are counted instead. */
const maxLinesPerSecond = 20

/** Hands on what a child prints, line by line; floods and endless lines are cut, and the number of lost lines is said. */
export function followLines(
  stream: Readable | null | undefined,
  say: (line: string) => void,
  now: () => number = Date.now,
): void {
  let rest = ''
  let second = 0
  let said = 0
  let lost = 0
  const take = (line: string) => {
    if (now() - second >= 1000) {
      if (lost > 0) say(`(${lost} more lines)`)
      second = now()
      said = lost = 0
    }
    if (said++ < maxLinesPerSecond) say(line.slice(0, maxLineLength))
    else lost++
  }
  stream?.setEncoding('utf8')
  stream?.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = (lines.pop() ?? '').slice(0, maxLineLength)
    for (const line of lines) if (line.trim() !== '') take(line)
  })
  stream?.on('end', () => {
    if (rest !== '') take(rest)
    if (lost > 0) say(`(${lost} more lines)`)
  })
}
