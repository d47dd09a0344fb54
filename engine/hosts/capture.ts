import { EngineError } from '../errors.ts'
import { CapturePipeline } from './capture-pipeline.ts'
import { serve } from './channel.ts'
import { endHost, enterHost } from './enter.ts'
import { loadLibrary } from './gstreamer.ts'
import type { CaptureParams, CaptureProtocol, SlotLoan, SoundParams } from './protocol.ts'
import { SlotFiller } from './slot-filler.ts'
import { SoundTaker } from './sound-taker.ts'

/** Losses are told at most so often, in milliseconds. */
const reportEveryMs = 250

const pool = enterHost(leave)
let pipeline: CapturePipeline | undefined
let filler: SlotFiller | undefined
let taker: SoundTaker | undefined
let skipped = 0
let reporting: NodeJS.Timeout | undefined
const early: SlotLoan[] = []
let earlyPieces = 0

loadLibrary()
const engine = serve<CaptureProtocol>({ calls: { open, openSound }, events: { lend, more } })

function open(params: CaptureParams): { opened: true } {
  expectNone()
  const slots = new SlotFiller(pool, params, { frame: (frame) => engine.tell('frame', frame), skipped: countSkipped })
  filler = slots
  pipeline = new CapturePipeline(params.launch, params, {
    take: (bytes, headers) => slots.take(bytes, headers),
    ready: () => slots.ready(),
    ended: (reason, message) => void slots.flush().then(() => tellEnd(reason, message)),
  })
  for (const loan of early.splice(0)) slots.lend(loan)
  pipeline.play()
  return { opened: true }
}

function openSound(params: SoundParams): { opened: true } {
  expectNone()
  const sound = new SoundTaker(params, { sound: (piece) => engine.tell('sound', piece), skipped: countSkipped })
  taker = sound
  pipeline = new CapturePipeline(params.launch, params, {
    take: (bytes, headers) => sound.take(bytes, headers),
    ready: () => sound.ready(),
    ended: tellEnd,
  })
  sound.more(earlyPieces)
  pipeline.play()
  return { opened: true }
}

function expectNone(): void {
  if (pipeline) throw new EngineError('conflict', 'Expected one pipeline per capture host, but it has one already')
}

function more({ pieces }: { readonly pieces: number }): void {
  if (!taker) earlyPieces += pieces
  taker?.more(pieces)
  pipeline?.pull()
}

function lend(loan: SlotLoan): void {
  if (!filler) early.push(loan)
  filler?.lend(loan)
  pipeline?.pull()
}

function countSkipped(count: number): void {
  skipped += count
  reporting ??= setTimeout(reportSkipped, reportEveryMs)
}

function reportSkipped(): void {
  clearTimeout(reporting)
  reporting = undefined
  if (skipped > 0) engine.tell('skipped', { count: skipped })
  skipped = 0
}

function tellEnd(reason: 'end' | 'error', message: string): void {
  reportSkipped()
  engine.tell('ended', { reason, message })
}

/** Lets the camera or server know, then goes: an orderly exit would wait for the threads that pull and poll, for ever. */
function leave(): void {
  pipeline?.stop()
  endHost()
}
