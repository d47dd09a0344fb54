import type { Config } from '../../config.ts'
import { configuredStreams } from '../configured.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { isRaspberryPi } from '../machine.ts'
import { printedBy, type System } from '../system.ts'
import { failure, rebuildFix, runScript } from './program.ts'

/** An element that our sources' descriptions name, or that GStreamer takes for what they play. */
interface Element {
  readonly name: string
  readonly package: string
  /** What does not work without it. */
  readonly purpose: string
  /** Sources and sinks that need it; left out: all sources. */
  readonly sources?: readonly string[]
}

const base = 'gstreamer1.0-plugins-base'
const good = 'gstreamer1.0-plugins-good'
const bad = 'gstreamer1.0-plugins-bad'
const rtsp = { purpose: 'network cameras (RTSP)', sources: ['stream'] }
const multipart = { purpose: 'network cameras (HTTP)', sources: ['stream'] }
const h264 = { purpose: 'H.264', sources: ['file', 'stream'] }

const heard = { purpose: 'sound', sources: ['microphone', 'sound', 'speaker'] }
const alsa = 'gstreamer1.0-alsa'

const elements: readonly Element[] = [
  { name: 'appsink', package: base, purpose: 'any source' },
  { name: 'videoconvert', package: base, purpose: 'any source' },
  { name: 'videoscale', package: base, purpose: 'any source' },
  { name: 'videorate', package: base, purpose: 'any source' },
  { name: 'gdppay', package: bad, purpose: 'any source' },
  { name: 'videotestsrc', package: base, purpose: 'test pictures', sources: ['test'] },
  { name: 'v4l2src', package: good, purpose: 'cameras', sources: ['camera'] },
  { name: 'uridecodebin', package: base, purpose: 'files', sources: ['file', 'stream', 'camera', 'sound'] },
  { name: 'decodebin', package: base, ...rtsp },
  { name: 'rtspsrc', package: good, ...rtsp },
  { name: 'rtph264depay', package: good, ...rtsp },
  { name: 'souphttpsrc', package: good, ...multipart },
  { name: 'multipartdemux', package: good, ...multipart },
  { name: 'qtdemux', package: good, purpose: 'MP4 files', sources: ['file'] },
  { name: 'h264parse', package: bad, ...h264 },
  { name: 'audioconvert', package: base, ...heard },
  { name: 'audioresample', package: base, ...heard },
  { name: 'audiobuffersplit', package: bad, purpose: 'sound', sources: ['microphone', 'sound'] },
  { name: 'rawaudioparse', package: base, purpose: 'loudspeakers', sources: ['speaker'] },
  { name: 'alsasrc', package: alsa, purpose: 'microphones', sources: ['microphone'] },
  { name: 'alsasink', package: alsa, purpose: 'loudspeakers', sources: ['speaker'] },
  { name: 'pulsesrc', package: good, purpose: 'microphones', sources: ['microphone'] },
  { name: 'pulsesink', package: good, purpose: 'loudspeakers', sources: ['speaker'] },
  { name: 'avdec_h264', package: 'gstreamer1.0-libav', ...h264 },
]
const libcamera: Element = {
  name: 'libcamerasrc',
  package: 'gstreamer1.0-libcamera',
  purpose: 'the cameras of a Raspberry Pi',
}

/** Whether GStreamer loads, and has every element that the sources use. A broken plug-in ends only the process that tries it. */
export async function checkGstreamer(system: System, config: Config): Promise<Finding[]> {
  const outcome = await runScript(system, scriptFor([...elements, libcamera].map(({ name }) => name)))
  const told = printedBy(outcome)
  if (told === undefined)
    return [
      error('gstreamer', { detail: failure('GStreamer', outcome), fix: await rebuildFix(system, 'node_modules') }),
    ]
  const missing = told.split(/\s+/)
  const lacking = elements.filter(({ name }) => missing.includes(name))
  const version = printedBy(await system.run(['dpkg-query', '-W', '-f', '${Version}', 'libgstreamer1.0-0']))
  const found = `GStreamer ${version ?? ''} with all ${elements.length} elements that sources and loudspeakers need`
  const findings = lacking.length === 0 ? [ok('gstreamer', found)] : tellLacking(lacking, config)
  return [...findings, ...(await checkLibcamera(system, config, missing))]
}

function usedBy(stream: ReturnType<typeof configuredStreams>[number]): string[] {
  if ('source' in stream) return [stream.source]
  return 'sink' in stream ? [stream.sink] : []
}

/** An error for what the configured sources need, a warning for the rest. */
function tellLacking(lacking: readonly Element[], config: Config): Finding[] {
  const used = new Set(configuredStreams(config).flatMap(usedBy))
  const isNeeded = ({ sources }: Element) => sources === undefined || sources.some((source) => used.has(source))
  const tell = (some: readonly Element[], as: typeof error) => {
    const named = some.map(({ name, purpose }) => `${name} (${purpose})`).join(', ')
    return some.length === 0 ? [] : [as('gstreamer', { detail: `GStreamer lacks ${named}`, fix: installOf(some) })]
  }
  const needed = lacking.filter(isNeeded)
  return [
    ...tell(needed, error),
    ...tell(
      lacking.filter((one) => !needed.includes(one)),
      warning,
    ),
  ]
}

async function checkLibcamera(system: System, config: Config, missing: readonly string[]): Promise<Finding[]> {
  if (!missing.includes(libcamera.name)) return [ok('gstreamer-libcamera', 'libcamerasrc is there')]
  const asked = configuredStreams(config).some(({ options }) => String(options.device ?? '').startsWith('libcamera'))
  const detail = `GStreamer lacks ${libcamera.name}, for ${libcamera.purpose}`
  if (asked) return [error('gstreamer-libcamera', { detail, fix: installOf([libcamera]) })]
  if (await isRaspberryPi(system)) return [warning('gstreamer-libcamera', { detail, fix: installOf([libcamera]) })]
  return []
}

function installOf(some: readonly Element[]): string {
  const packages = new Set(some.map((element) => element.package))
  return `sudo apt update && sudo apt install ${[...packages].join(' ')}`
}

/** Prints the elements that cannot be made. Two of them, since a description of one makes no pipeline. */
function scriptFor(names: readonly string[]): string {
  const load = `(await import('node:module')).createRequire(process.cwd() + '/')('gstreamer-superficial')`
  const lacks = `(name) => { try { new Pipeline('identity ' + name); return false } catch { return true } }`
  return `const { Pipeline } = ${load}; console.log(${JSON.stringify(names)}.filter(${lacks}).join(' ')); process.exit(0)`
}
