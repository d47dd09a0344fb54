import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseCommandLine, usage } from '../engine/command-line.ts'
import { loadConfig } from '../engine/config.ts'
import { backendsOf, loadCatalogue } from '../engine/inference/catalogue.ts'
import { backendHere } from '../engine/inference/model-stock.ts'
import { runModelsCommand } from '../engine/models-command.ts'

const bytes = Buffer.alloc(1_000_000, 7)
const never = new AbortController().signal

const folders: string[] = []
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-state-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

async function run(words: string[], { mirror = '', state = makeFolder(), columns = 0 } = {}) {
  const set = mirror === '' ? [] : ['--set', `models.mirror=${mirror}`]
  const line = parseCommandLine(['models', ...words, ...set])
  const lines: string[] = []
  let screen = ''
  const write = (text: string) => {
    screen += text
  }
  const output = { print: (text: string) => lines.push(text), terminal: columns > 0 ? { columns, write } : undefined }
  const config = loadConfig(line, { HAILSTREAM_STATE: state })
  const isWell = await runModelsCommand(line, config, output, never)
  return { lines, state, screen, isWell }
}

async function withMirror<T>(use: (url: string) => Promise<T>, known = ['yolov8n.onnx']): Promise<T> {
  const server = createServer((request, response) => {
    const isKnown = known.some((name) => request.url === `/${name}`)
    response.writeHead(isKnown ? 200 : 404, isKnown ? { 'content-length': bytes.length } : {}).end(isKnown ? bytes : '')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  } finally {
    server.close()
  }
}

describe('the command models list', () => {
  it('shows every model with its task, backends, state, size and licence, a star where its files are', async () => {
    const { lines } = await run(['list'])
    expect(lines).toHaveLength(1 + loadCatalogue().models.length)
    expect(lines[0]).toMatch(/^MODEL +TASK +BACKENDS +STATE +SIZE +LICENCE +WHY$/)
    expect(lines.find((line) => line.startsWith('yolov8n '))).toMatch(
      /detect +onnx hailo +missing +- +AGPL-3\.0.*yolov8n\.onnx is not in models\.paths/,
    )
    expect(lines.find((line) => line.startsWith('movenet-lightning'))).toMatch(
      /pose +onnx\* +available +- +Apache-2\.0.*comes with the installation/,
    )
    expect(lines.find((line) => line.startsWith('llama-3.2-3b'))).toMatch(
      /language +hailo llama +missing +3\.13 GB +Llama 3\.2 Community/,
    )
  })

  it('keeps to a task, a backend or a part of a name, and names the tasks when nothing fits', async () => {
    const speaking = await run(['list', 'speak'])
    expect(speaking.lines.slice(1).every((line) => line.startsWith('piper-'))).toBe(true)
    const { lines } = await run(['list', 'pose', 'hailo'])
    expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual(['yolov8m-pose', 'yolov8s-pose'])
    await expect(run(['list', 'juggle'])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('transcribe'),
    })
  })

  it('gives programs all that is known', async () => {
    const { lines } = await run(['list', 'whisper-base', '--json'])
    const [model] = JSON.parse(lines.join('\n'))
    expect(model).toMatchObject({
      name: 'whisper-base',
      task: 'transcribe',
      state: 'missing',
      licence: 'MIT (OpenAI Whisper)',
    })
    expect(model.artefacts).toMatchObject([
      { backend: 'hailo', state: 'missing', bytes: 155_000_000, partBytes: 0, verified: false, paths: [] },
      { backend: 'sherpa', state: 'missing', bytes: 160_817_000 },
    ])
  })
})

describe('the command models pull', () => {
  it('fetches a model from the mirror, whole, and says its licence first', async () => {
    const { lines, state } = await withMirror((mirror) => run(['pull', 'yolov8n'], { mirror }))
    expect(lines[0]).toBe('yolov8n: for onnx, licence AGPL-3.0 (Ultralytics)')
    expect(lines[1]).toMatch(/nobody has fetched it from https:/)
    expect(lines.slice(2, -1).at(-1)).toBe('yolov8n.onnx: 100 %, 1.0 MB of 1.0 MB')
    expect(lines.at(-1)).toContain('fetched from the mirror')
    expect(readFileSync(join(state, 'models/yolov8n.onnx')).equals(bytes)).toBe(true)
  })

  it('fetches for the backend that is asked for, all its files', async () => {
    const known = ['en_US-amy-low.onnx', 'en_US-amy-low.onnx.json', 'yolov8n.hef']
    await withMirror(async (mirror) => {
      const { lines, state } = await run(['pull', 'yolov8n', '--backend', 'hailo'], { mirror })
      expect([lines[0], lines.at(-1)]).toEqual([
        expect.stringContaining('for hailo'),
        expect.stringContaining(`${state}/models/yolov8n.hef`),
      ])
      const voice = await run(['pull', 'piper-en-us-amy-low'], { mirror, state })
      expect(voice.lines.filter((line) => line.includes('fetched from the mirror'))).toHaveLength(2)
    }, known)
    await expect(run(['pull', 'yolov8n', '--backend', 'tpu'])).rejects.toMatchObject({ code: 'invalid' })
    await expect(run(['pull', 'yolov8n', '--backend', 'piper'])).rejects.toThrow(
      /onnx or hailo as the backend of yolov8n/,
    )
  })

  it('draws one line over and over on a terminal, and leaves it clean', async () => {
    const { screen } = await withMirror((mirror) => run(['pull', 'yolov8n'], { mirror, columns: 100 }))
    const drawn = screen.split('\r').filter((text) => text.trim() !== '')
    expect(drawn.at(-1)).toMatch(/^yolov8n\.onnx {2}\[#{24}\] {2}1\.0 MB of 1\.0 MB {2}100 %/)
    expect(screen.includes('\n')).toBe(false)
    expect(screen.endsWith(`\r${' '.repeat(99)}\r`)).toBe(true)
  })

  it('takes what this machine runs where nobody says', () => {
    const catalogue = loadCatalogue()
    expect(backendHere(backendsOf(catalogue.model('yolov8n')), true)).toBe('hailo')
    expect(backendHere(backendsOf(catalogue.model('yolov8n')), false)).toBe('onnx')
    expect(backendHere(backendsOf(catalogue.model('qwen2.5-1.5b-instruct')), false)).toBe('llama')
    expect(backendHere(backendsOf(catalogue.model('yolov8m')), false)).toBe('hailo')
    expect(backendHere(backendsOf(catalogue.model('qwen3-0.6b')), true)).toBe('llama')
  })
})

describe('the commands models verify, remove and import', () => {
  it('say what is as it came, what has changed, and what is gone, and how it ended', async () => {
    const { state } = await withMirror((mirror) => run(['pull', 'yolov8n'], { mirror }))
    const well = await run(['verify'], { state })
    expect(well.isWell).toBe(true)
    expect(well.lines.find((line) => line.includes('yolov8n.onnx'))).toMatch(
      /^ok +\S+\/models\/yolov8n\.onnx \(SHA-256 [0-9a-f]{64}\)$/,
    )
    // What was fetched, three networks of Human and three of PaddleOCR.
    expect(well.lines.at(-1)).toBe('7 files: none is wrong')
    writeFileSync(join(state, 'models/yolov8n.onnx'), bytes.subarray(1))
    const bad = await run(['verify', 'yolov8n'], { state })
    expect([bad.isWell, bad.lines.at(-1)]).toEqual([false, '1 file: 1 wrong'])
    expect(bad.lines[0]).toMatch(/^changed +.*Expected SHA-256 .* and 1000000 bytes, received .* and 999999 bytes/)
    const absent = await run(['verify', 'yolov8s'], { state })
    expect([absent.isWell, absent.lines[0]]).toEqual([
      false,
      expect.stringMatching(/^missing +yolov8s .*models pull yolov8s/),
    ])
  })

  it('have no say about a file that was put there by hand', async () => {
    const { state } = await run(['list'])
    await withMirror((mirror) => run(['pull', 'yolov8n'], { mirror, state }))
    rmSync(join(state, 'models/records'), { recursive: true })
    const { lines, isWell } = await run(['verify', 'yolov8n'], { state })
    expect([isWell, lines[0]]).toEqual([true, expect.stringMatching(/^no record .*nobody says what it should be/)])
  })

  it('remove what was fetched, and nothing that comes with the installation', async () => {
    const { state } = await withMirror((mirror) => run(['pull', 'yolov8n'], { mirror }))
    expect((await run(['remove', 'yolov8n'], { state })).lines).toEqual(['yolov8n: removed, 1.0 MB are free again'])
    expect((await run(['remove', 'yolov8n'], { state })).lines).toEqual([
      `yolov8n: nothing of it is in ${state}/models`,
    ])
    await expect(run(['remove', 'centernet-mobilenet'], { state })).rejects.toThrow(/comes with the installation/)
  })

  it('take a file of this machine for the model it is named after, or that it is said to be', async () => {
    const state = makeFolder()
    const file = join(makeFolder(), 'best.onnx')
    writeFileSync(file, bytes)
    await expect(run(['import', file], { state })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('--as NAME'),
    })
    const { lines } = await run(['import', file, '--as', 'yolov8s'], { state })
    expect(lines).toEqual([
      'yolov8s: licence AGPL-3.0 (Ultralytics)',
      `yolov8s: imported as ${state}/models/yolov8s.onnx`,
    ])
    expect((await run(['verify', 'yolov8s'], { state })).isWell).toBe(true)
    await expect(run(['import', file, file], { state })).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('the command models', () => {
  it('names an unknown model, and words that are no command', async () => {
    await expect(run(['pull', 'yolov99'])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('yolov99'),
    })
    for (const words of [['push'], [], ['toString'], ['pull'], ['remove'], ['import']])
      await expect(run(words), words.join()).rejects.toMatchObject({ code: 'invalid' })
  })

  it('has its options in the help, and they belong to it alone', () => {
    for (const word of ['list', 'pull', 'verify', 'remove', 'import', '--backend', '--as', '--json'])
      expect(usage).toContain(word)
    expect(() => parseCommandLine(['start', '--backend', 'x'])).toThrow(/--backend behind the command models only/)
    expect(() => parseCommandLine(['doctor', '--as', 'x'])).toThrow(/--as behind the command models only/)
  })
})
