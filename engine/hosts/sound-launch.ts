import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { EngineError } from '../errors.ts'
import { checkText, encodeUrl, integerOption, quote } from './launch.ts'

/** Samples a second and channels of captured or played sound: signed 16 bit, interleaved. */
export interface SoundFormat {
  readonly rate: number
  readonly channels: number
}

/** Samples a second; 16 kHz is what speech is recognised at. */
export const soundRateOption = integerOption('rate', 8000, 192_000).default(16_000).describe('Samples a second.')
export const soundChannelsOption = integerOption('channels', 1, 8).default(1).describe('Channels, interleaved.')

/** A sound device, for capture and for playback. */
export const deviceOption = z
  .string()
  .min(1)
  .default('auto')
  .describe(
    'auto: the default of the sound server, else that of ALSA. alsa:<device> as `aplay -L` names it (alsa:plughw:1,0), pulse:<device> (PulseAudio, and PipeWire in its place), pipewire:<node>; the name may be left out. A bare name is one of ALSA.',
  )

/** Sound comes in pieces of 20 ms: short enough for a turn to be taken in time, long enough to cost nothing. */
export const pieceMs = 20
const pieces = `audiobuffersplit output-buffer-duration=1/${1000 / pieceMs}`
/** A second of pieces that nobody pulled in time. */
const maxBuffers = 1000 / pieceMs

/** What captures by each system, and what plays. `by`: the property that names the device. */
const systems = {
  alsa: { source: 'alsasrc', sink: 'alsasink', by: 'device' },
  pulse: { source: 'pulsesrc', sink: 'pulsesink', by: 'device' },
  pipewire: { source: 'pipewiresrc', sink: 'pipewiresink', by: 'target-object' },
} as const
type System = keyof typeof systems

/** A microphone, or whatever else the device records: descriptions to try in order. Throws `invalid` for a device that cannot stand in one. */
export function microphoneLaunches(device: string, format: SoundFormat): string[] {
  const sink = `appsink name=sink sync=false max-buffers=${maxBuffers} drop=true`
  return elements(device, 'source').map(({ text }) => `${text} ! ${toPieces(format)} ! gdppay ! ${sink}`)
}

/** A sound file, or the sound of a film: at the pace of its timestamps, or as fast as its pieces are taken. `:` links the decoder again at each loop. */
export function soundFileLaunch(path: string, pace: 'real' | 'max', format: SoundFormat): string {
  const url = quote(encodeUrl(pathToFileURL(path).href))
  const sink = pace === 'real' ? 'sync=true' : 'sync=false'
  const decoder = `uridecodebin uri=${url} caps="audio/x-raw(ANY)" expose-all-streams=false`
  return `${decoder} : ${toPieces(format)} ! gdppay ! appsink name=sink ${sink} max-buffers=${maxBuffers} drop=${pace === 'real'}`
}

/**
 * Plays raw samples that come out of the descriptor `fd`: descriptions to try in order. The queue `line` tells what waits before the device, whose own
 * buffer holds `bufferMs`. Not synchronised: what comes late is played late, and not dropped.
 */
export function speakerLaunches(
  device: string,
  { rate, channels }: SoundFormat,
  fd: number,
  bufferMs: number,
): string[] {
  const bytes = samplesOf({ rate, channels }, pieceMs) * Int16Array.BYTES_PER_ELEMENT
  const parse = `rawaudioparse use-sink-caps=false format=pcm pcm-format=s16le sample-rate=${rate} num-channels=${channels}`
  const line = 'queue name=line max-size-buffers=0 max-size-time=0 max-size-bytes=0'
  const buffer = `buffer-time=${bufferMs * 1000} latency-time=${(bufferMs * 1000) / 4}`
  return elements(device, 'sink').map(({ system, text }) => {
    const sink = system === 'pipewire' ? `${text} sync=false` : `${text} sync=false ${buffer}`
    return `fdsrc fd=${fd} blocksize=${bytes} ! ${parse} ! ${line} ! audioconvert ! audioresample ! ${sink}`
  })
}

/** What records or plays. By itself a sound server is asked first, for it shares the devices; then ALSA. */
function elements(device: string, role: 'source' | 'sink'): { readonly system: System; readonly text: string }[] {
  const wanted = device === 'auto' ? (['pulse', 'alsa'] as const) : [device]
  return wanted.map((one) => {
    const { system, name } = parseDevice(one)
    const { [role]: plugin, by } = systems[system]
    return { system, text: name === '' ? plugin : `${plugin} ${by}=${quote(checkText('device', name))}` }
  })
}

function parseDevice(device: string): { readonly system: System; readonly name: string } {
  const [, system, name = ''] = /^(alsa|pulse|pipewire)(?::(.*))?$/s.exec(device) ?? []
  if (system !== undefined) return { system: system as System, name }
  return { system: 'alsa', name: device }
}

function toPieces({ rate, channels }: SoundFormat): string {
  return `audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=${rate},channels=${channels},layout=interleaved ! ${pieces}`
}

/** Samples in a piece of sound of this rate, over all channels. Throws `invalid` for a rate without whole samples. */
export function samplesOf({ rate, channels }: SoundFormat, ms: number): number {
  const samples = (rate * ms) / 1000
  if (!Number.isInteger(samples))
    throw new EngineError('invalid', `Expected a rate with whole samples in ${ms} ms, received ${rate}`)
  return samples * channels
}
