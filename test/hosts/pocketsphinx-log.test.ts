import { describe, expect, it } from 'vitest'
import { PocketsphinxLog } from '../../engine/hosts/pocketsphinx-log.ts'

const read = (log: PocketsphinxLog, text: string) => text.split('\n').flatMap((line) => log.read(line) ?? [])

/** As the program of Debian 12 writes it. */
const window = `INFO: batch.c(729): Decoding '3'
INFO: pocketsphinx.c(1168): it was (-19550)
word                 start end   pprob ascr       lscr       lback
<s>                  0     18    1.000 -223232    0          1         \u0020
it                   19    30    0.504 -609280    -238       2         \u0020
<sil>                31    39    0.920 -4096      -238       2         \u0020
was(2)               40    46    1.002 -777216    -108       3         \u0020
++NOISE++            47    50    0.930 -777216    -108       3         \u0020
</s>                 377   393   1.000 -727040    -207       2         \u0020
INFO: batch.c(760): 3: 3.94 seconds speech, 1.67 seconds CPU, 3.35 seconds wall
it was (3 -19550)
3 done --------------------------------------`

describe('the log of pocketsphinx', () => {
  it('holds words with their times and how certain they are', () => {
    expect(read(new PocketsphinxLog(), window)).toEqual([
      {
        text: 'it was',
        words: [
          { text: 'it', start: 0.19, end: 0.31, confidence: 0.504 },
          { text: 'was', start: 0.4, end: 0.47, confidence: 1 },
        ],
        language: 'en',
      },
    ])
  })

  it('tells of a window in which nothing was heard, and of each one alone', () => {
    const log = new PocketsphinxLog()
    const nothing = 'INFO: batch.c(729): Decoding \'3\'\nERROR: "ngram_search.c", line 1139: no <s>\n3 done ---'
    expect(read(log, `${window}\n${nothing}`).map(({ text }) => text)).toEqual(['it was', ''])
    expect(log.lastError).toContain('ngram_search.c')
  })
})
