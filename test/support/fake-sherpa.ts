import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A stand-in for sherpa-onnx-node that says what it was made with and given: as `whisper fr transcribe 16000`. A file of which the name has
 * `hangs` in it makes it work for ever, one with `aborts` ends the program as the real library does over a broken file.
 */
const library = `
const hear = (config) => {
  const files = JSON.stringify(config)
  if (files.includes('aborts')) { process.stderr.write('what(): Protobuf parsing failed.\\n'); process.kill(process.pid, 'SIGABRT') }
  return files.includes('hangs')
}
class Recognizer {
  constructor(config) { this.config = config; this.hangs = hear(config) }
  setConfig(config) { this.config = config }
  createStream() { return { acceptWaveform({ samples }) { this.heard = samples }, inputFinished() { this.isWhole = true } } }
  isReady(stream) { return !stream.isDone }
  decode(stream) { while (this.hangs); stream.isDone = true }
}
class OfflineRecognizer extends Recognizer {
  getResult({ heard }) {
    const { whisper, moonshine, numThreads } = this.config.modelConfig
    const kind = whisper ? 'whisper ' + whisper.language + ' ' + whisper.task : 'moonshine ' + Object.keys(moonshine).join(' ')
    return { text: ' ' + kind + ' ' + heard.length + ' ' + numThreads, lang: whisper ? '<|' + (whisper.language || 'en') + '|>' : '', tokens: [], timestamps: [] }
  }
}
class OnlineRecognizer extends Recognizer {
  getResult({ isWhole, heard }) {
    console.log('the library prints what it likes')
    return { text: isWhole ? 'good morning ' + heard[0].toFixed(2) : '', tokens: [' go', 'od', ' morning'], timestamps: [0.1, 0.2, 0.5] }
  }
}
module.exports = { OfflineRecognizer, OnlineRecognizer }
`

/** Installs the stand-in into a folder, as npm would the real one. */
export async function installFakeSherpa(extras: string): Promise<void> {
  const folder = join(extras, 'node_modules/sherpa-onnx-node')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'sherpa-onnx-node', main: 'sherpa-onnx.js' }))
  await writeFile(join(folder, 'sherpa-onnx.js'), library)
}
