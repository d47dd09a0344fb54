import { setTimeout as wait } from 'node:timers/promises'
import { Resampler } from '../../engine/audio/resampler.ts'
import type { RealtimeTestClient } from '../support/realtime-client.ts'
import { readSpeech } from '../support/speech.ts'

const rate = 24_000
const pieceMs = 20
const piece = (rate * pieceMs) / 1000
/** Of the loudest sample: what is softer at the end of a recording is breath and room. */
const softest = 0.03
const replyWithinMs = 120_000

/** A recording as a client sends it. */
export interface Recording {
  /** 24 kHz. */
  readonly samples: Int16Array
  /** Where its speech ends, in milliseconds. */
  readonly endMs: number
}

/** Reads a WAV file of 16 kHz. */
export async function readRecording(path: string): Promise<Recording> {
  const samples = Int16Array.from(await readSpeech(path), (value) => Math.round(value * 32_768))
  const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const last = samples.findLastIndex((value) => Math.abs(value) >= softest * peak)
  const resampler = new Resampler(16_000, rate)
  const parts = [resampler.push(samples), resampler.end()]
  return { samples: Int16Array.from(parts.flatMap((part) => [...part])), endMs: (last + 1) / 16 }
}

/**
 * Says the recording in real time, listens in silence until the reply was heard, and gives the milliseconds from the last sample of speech
 * to the first sound of the reply.
 */
export async function takeTurn(client: RealtimeTestClient, recording: Recording): Promise<number> {
  const from = client.heard.length
  const deltas = () => client.heard.slice(from).filter(({ type }) => type === 'response.output_audio.delta')
  const isOver = () => client.heard.slice(from).some(({ type }) => type === 'response.done')
  const startedAt = performance.now()
  let endedAt = Number.NaN
  for (let i = 0; !isOver(); i++) {
    await wait(Math.max(0, startedAt + i * pieceMs - performance.now()))
    client.append(pieceOf(recording.samples, i))
    if (Number.isNaN(endedAt) && (i + 1) * pieceMs >= recording.endMs) endedAt = performance.now()
    if (performance.now() - startedAt > replyWithinMs)
      throw new Error(`Waited in vain for a reply, heard ${client.types.slice(from).join(' ')}`)
  }
  const at = client.heard.findIndex(({ type }, index) => index >= from && type === 'response.output_audio.delta')
  const soundMs = deltas().reduce((sum, { delta }) => sum + (String(delta).length * 3) / 8 / (rate / 1000), 0)
  const firstAt = client.times[at] ?? Number.NaN
  // What was sent ahead is heard to its end: whoever speaks sooner interrupts.
  await wait(Math.max(0, firstAt + soundMs + 500 - performance.now()))
  return firstAt - endedAt
}

function pieceOf(samples: Int16Array, index: number): Int16Array {
  const part = new Int16Array(piece)
  part.set(samples.subarray(index * piece, (index + 1) * piece))
  return part
}
