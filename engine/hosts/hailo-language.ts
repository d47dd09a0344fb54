import { EngineError, messageOf } from '../errors.ts'
import { type HailoStatus, hailoAddon } from '../native/hailo.ts'
import { askTwice } from './ask-twice.ts'
import { serve } from './channel.ts'
import { endHost, enterHost } from './enter.ts'
import { HailoFrames } from './hailo-frames.ts'
import { generateTokens } from './hailo-generate.ts'
import { HailoLanguageModels } from './hailo-language-models.ts'
import type { HailoLanguageProtocol } from './hailo-language-protocol.ts'

// What runs in the host of language and speech on a Hailo device. The addon's threads wait for the device; this one only answers.
const pool = enterHost()
const frames = new HailoFrames()
let opened: HailoLanguageModels | undefined
let recycling = false

/** How often the device is asked whether it has something to tell: an alarm may wait so long. */
const noticesEveryMs = 1000

const { tell } = serve<HailoLanguageProtocol>({
  calls: {
    open: ({ group }) => guard(() => open(group)),
    load: (params) => guard(() => load(params)),
    unload: ({ model }) => guard(() => models().unload(model)),
    countTokens: ({ model, text }) => guard(() => countTokens(model, text)),
    clearContext: ({ model }) => guard(() => clearContext(model)),
    keepContext: ({ model, key }) => guard(() => models().keepContext(model, key)),
    restoreContext: ({ model, key }) => guard(() => models().restoreContext(model, key)),
    decodeFrame: ({ model, parts }) => guard(() => decodeFrame(model, parts)),
    transcribe: (params) => guard(() => transcribe(params)),
    health: () => guard(() => models().health()),
  },
  streams: {
    generate: async function* ({ model, prompt, frames: numbers }, signal) {
      try {
        yield* generateTokens(models().language(model), { ...prompt, frames: frames.take(numbers) }, signal)
      } catch (error) {
        throw judge(error)
      }
    },
  },
  events: {
    forget: ({ contexts, frames: numbers }) => {
      opened?.forgetContexts(contexts)
      frames.forget(numbers)
    },
  },
})

type Calls = HailoLanguageProtocol['calls']

async function open(group: string): Promise<Calls['open']['result']> {
  const library = hailoAddon().hailoLibrary()
  if (!opened) {
    opened = new HailoLanguageModels(await askTwice(() => hailoAddon().openHailo({ group })))
    setInterval(tellNotices, noticesEveryMs)
  }
  return { library }
}

function tellNotices(): void {
  for (const notice of opened?.notices() ?? []) tell('notice', notice)
}

async function load({ model, path, kind }: Calls['load']['params']): Promise<Calls['load']['result']> {
  const loaded = models().load(model, path, kind)
  return loaded.catch((error: unknown) => {
    const { hailo } = (judge(error) ?? {}) as { hailo?: HailoStatus }
    if (!hailo) throw error
    return { refused: { reaction: hailo.reaction, message: messageOf(error) } }
  })
}

async function countTokens(model: string, text: string): Promise<Calls['countTokens']['result']> {
  return { tokens: (await models().language(model).tokenise(text)).length }
}

async function clearContext(model: string): Promise<Calls['clearContext']['result']> {
  await models().language(model).clearContext()
  return { cleared: true }
}

async function decodeFrame(
  model: string,
  parts: Calls['decodeFrame']['params']['parts'],
): Promise<Calls['decodeFrame']['result']> {
  const picture = Buffer.concat(parts.map(({ slot, bytes }) => pool.read(slot, 0, bytes)))
  const { frame } = models().language(model)
  if (!frame) throw new EngineError('invalid', `Expected a model that sees pictures, received ${model}`)
  return { frame: await frames.add(picture, frame) }
}

async function transcribe(params: Calls['transcribe']['params']): Promise<Calls['transcribe']['result']> {
  const { model, samples, language, translate } = params
  const options = { translate, ...(language !== null && { language }) }
  return { segments: await models().speech(model).transcribe(samples, options) }
}

function models(): HailoLanguageModels {
  if (opened) return opened
  throw new EngineError('unavailable', 'Expected the device to be open; open it first')
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw judge(error)
  }
}

/** Ends this process after the error has been told, when the library cannot go on in it. */
function judge(error: unknown): unknown {
  const { hailo } = (error ?? {}) as { hailo?: HailoStatus }
  const isOver = hailo?.reaction === 'recycle' || opened?.mustRecycle === true
  if (isOver && !recycling) {
    recycling = true
    setImmediate(() => recycle(messageOf(error)))
  }
  return error
}

/** The pipe keeps the order: when this has been written, so has all before it. */
function recycle(reason: string): void {
  const message = { t: 'event', name: 'recycling', value: { reason } }
  if (process.connected) process.send?.(message, undefined, undefined, endHost)
  else endHost()
}
