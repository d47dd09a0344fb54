import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from '../errors.ts'
import { serve } from './channel.ts'
import { endHost, enterHost } from './enter.ts'
import { buildGstPipeline, errorText, type GstPipeline, type GstQueue, loadLibrary } from './gstreamer.ts'
import { openNamelessPipe } from './nameless-pipe.ts'
import { PacedSound } from './paced-sound.ts'
import type { PlaybackParams, PlaybackPosition, PlaybackProtocol } from './playback-protocol.ts'
import { pieceMs, speakerLaunches } from './sound-launch.ts'

/** How often sound is handed over. */
const stepEveryMs = 10
/** How often the position is told while it changes. */
const tellEveryMs = 100
/** How long a device may take to open. */
const openMs = 8000
/** What the device itself holds. */
const deviceBufferMs = 60

enterHost(leave)
let pipeline: GstPipeline | undefined
let sound: PacedSound | undefined
let broken: ((error: EngineError) => void) | undefined
let toldAt = 0
let told = ''

loadLibrary()
const engine = serve<PlaybackProtocol>({
  calls: { open, flush },
  events: {
    sound: ({ samples }) => sound?.push(samples, performance.now()),
    hold: () => sound?.hold(),
    resume: () => sound?.resume(performance.now()),
  },
})

async function open({ device, attempt, ...format }: PlaybackParams): Promise<{ opened: true }> {
  if (pipeline) throw new EngineError('conflict', 'Expected one device per playback host, but it has one already')
  const fd = openNamelessPipe()
  const launch = speakerLaunches(device, format, fd, deviceBufferMs)[attempt]
  if (launch === undefined) throw new EngineError('not-found', `Expected a way to open ${device}, found no other one`)
  const built = buildGstPipeline(launch)
  pipeline = built
  await start(built, () => writeSync(fd, silence(format)))
  const line = built.findChild<GstQueue>('line')
  const bytesPerMs = (format.rate * format.channels * Int16Array.BYTES_PER_ELEMENT) / 1000
  const taker = {
    write: (samples: Int16Array) => void writeSync(fd, bytesOf(samples)),
    waitingMs: () => (line?.['current-level-bytes'] ?? 0) / bytesPerMs,
  }
  sound = new PacedSound(taker, { ...format, pieceMs }, performance.now())
  setInterval(step, stepEveryMs)
  return { opened: true }
}

/** A device has opened when it has taken its first piece: silence. */
async function start(built: GstPipeline, feed: () => void): Promise<void> {
  const abort = new AbortController()
  const opened = new Promise<void>((resolve, reject) => {
    broken = reject
    built.play()
    built.pollBus((message) => {
      if (message.type === 'async-done') resolve()
      else if (message.type === 'error') tellBroken(errorText(message))
    })
    feed()
  })
  const late = sleep(openMs, undefined, { signal: abort.signal }).then(() => {
    throw new EngineError('unavailable', `Expected the device to open within ${openMs} ms`)
  })
  late.catch(() => undefined)
  try {
    await Promise.race([opened, late])
  } finally {
    abort.abort()
    broken = undefined
  }
}

function tellBroken(message: string): void {
  if (broken) broken(new EngineError('unavailable', message))
  else engine.tell('ended', { message })
}

async function flush(): Promise<PlaybackPosition> {
  if (!sound) return { heardMs: 0, droppedMs: 0 }
  sound.drop()
  while (!sound.isQuiet) {
    await sleep(stepEveryMs)
    sound.step(performance.now())
  }
  return sound.position
}

function step(): void {
  const now = performance.now()
  if (!sound) return
  sound.step(now)
  if (now - toldAt < tellEveryMs) return
  const text = JSON.stringify(sound.position)
  if (text === told) return
  toldAt = now
  told = text
  engine.tell('position', sound.position)
}

function silence({ rate, channels }: { readonly rate: number; readonly channels: number }): Uint8Array {
  return bytesOf(new Int16Array((rate * channels * pieceMs) / 1000))
}

function bytesOf(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
}

/** Lets the sound server know, then goes. */
function leave(): void {
  pipeline?.stop()
  endHost()
}
