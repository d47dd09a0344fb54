import { encodeSound, soundTypes } from '../../audio/encode-sound.ts'
import type { Synthesiser } from '../../inference/speech.ts'
import { beginBody, eventStreamHeaders, serverEvent } from '../stream-body.ts'
import { describeFailure, naming } from './error-body.ts'
import { chooseVoice, readSpeech } from './speech-request.ts'

/** Synthesisers have no tokens to count. */
const noUsage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }

/** `POST /v1/audio/speech`: sound from its first clause on. `hailstream-voice` names the voice that speaks. */
export async function answerSpeech(synthesiser: Synthesiser, request: Request): Promise<Response> {
  const asked = await readSpeech(request)
  const options = chooseVoice(asked, asked.model === undefined ? [] : await synthesiser.voices())
  const speak = () => synthesiser.speak(asked.input, options, request.signal)
  const sound = await (options.voice === undefined ? speak() : naming('voice', speak))
  const encoded = encodeSound(sound, asked.format, request.signal)
  const voice = { 'hailstream-voice': encodeURI(sound.voice) }
  if (asked.streamFormat === 'sse')
    return new Response(await beginBody(toEvents(encoded)), { headers: { ...eventStreamHeaders, ...voice } })
  const headers = { 'content-type': soundTypes[asked.format], ...voice }
  return new Response(await beginBody(encoded), { headers })
}

async function* toEvents(encoded: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let begun = false
  try {
    for await (const chunk of encoded) {
      if (chunk.length === 0) continue
      begun = true
      yield serverEvent({ type: 'speech.audio.delta', audio: Buffer.from(chunk).toString('base64') })
    }
  } catch (error) {
    const body = describeFailure(error)
    if (!begun || body === undefined) throw error
    yield serverEvent(body)
    return
  }
  yield serverEvent({ type: 'speech.audio.done', usage: noUsage })
}
