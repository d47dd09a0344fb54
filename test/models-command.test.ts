import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../engine/command-line.ts'
import { loadConfig } from '../engine/config.ts'
import { runModelsCommand } from '../engine/models-command.ts'

const bytes = Buffer.alloc(1_000_000, 7)

async function run(words: string[], mirror?: string): Promise<{ lines: string[]; state: string }> {
  const state = mkdtempSync(join(tmpdir(), 'hailstream-state-'))
  const set = mirror === undefined ? [] : ['--set', `models.mirror=${mirror}`]
  const line = parseCommandLine(['models', ...words, ...set])
  const lines: string[] = []
  await runModelsCommand(line.words, loadConfig(line, { HAILSTREAM_STATE: state }), (text) => lines.push(text))
  return { lines, state }
}

async function withMirror<T>(use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => {
    const known = request.url?.endsWith('/yolov8n.onnx')
    response.writeHead(known ? 200 : 404, known ? { 'content-length': bytes.length } : {}).end(known ? bytes : '')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  } finally {
    server.close()
  }
}

describe('the command models', () => {
  it('lists every model with its task, whether it is there, and its licence', async () => {
    const { lines } = await run(['list'])
    expect(lines.find((line) => line.startsWith('yolov8n '))).toMatch(/detect +missing +AGPL-3\.0/)
    expect(lines.find((line) => line.startsWith('movenet-lightning'))).toMatch(/pose +available +Apache-2\.0/)
  })

  it('fetches a model from the mirror, whole, and says its licence first', async () => {
    const { lines, state } = await withMirror((url) => run(['pull', 'yolov8n'], url))
    expect(lines[0]).toBe('yolov8n: licence AGPL-3.0 (Ultralytics)')
    expect(lines.at(-1)).toContain('mirror')
    expect(readFileSync(join(state, 'models/yolov8n.onnx')).equals(bytes)).toBe(true)
  })

  it('names an unknown model, and words that are no command', async () => {
    await expect(run(['pull', 'yolov99'])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('yolov99'),
    })
    await expect(run(['push'])).rejects.toMatchObject({ code: 'invalid' })
    await expect(run([])).rejects.toMatchObject({ code: 'invalid' })
  })
})
