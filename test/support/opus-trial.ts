import { expect } from 'vitest'
import { openSoundDecoder, openSoundEncoder } from '../../engine/audio/sound-codec.ts'
import { RealtimeTrial, type TrialPacket } from './realtime-trial.ts'

/** Sides of a configuration. */
export const opus = { format: { type: 'audio/opus' } }
export const pcm = { format: { type: 'audio/pcm', rate: 24_000 } }

/** Sound of 24 kHz as a client sends it. */
export async function packetsOf(sound: Int16Array): Promise<Uint8Array[]> {
  using encoder = await openSoundEncoder('audio/opus', 24_000)
  return [...encoder.push(sound), ...encoder.end()]
}

/** What a client hears of packets, 24 kHz. */
export async function soundOf(packets: readonly TrialPacket[]): Promise<Int16Array> {
  using decoder = await openSoundDecoder('audio/opus')
  return Int16Array.from(packets.flatMap(({ bytes }) => [...decoder.push(bytes)]))
}

/** Resolves when the session has what is asked for. */
export async function change(trial: RealtimeTrial, audio: object): Promise<void> {
  const count = trial.all('session.updated').length
  trial.update({ audio })
  await trial.until('the formats', () => trial.all('session.updated').length > count || trial.all('error').length > 0)
  expect(trial.all('error')).toEqual([])
}

/** A client that hears Opus, of a voice that is a tone of 500 Hz. */
export async function openListening(): Promise<RealtimeTrial> {
  const trial = await RealtimeTrial.open()
  trial.stages.sampleAt = (at) => 8000 * Math.sin((2 * Math.PI * 500 * at) / 24_000)
  await change(trial, { output: opus })
  return trial
}

/** For an answer, without speech. */
export function ask(trial: RealtimeTrial): void {
  const content = [{ type: 'input_text', text: 'Hello?' }]
  trial.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content } })
  trial.send({ type: 'response.create' })
}
