import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../engine/root.ts'
import { type Answer, FileServer } from './support/file-server.ts'
import { until } from './support/wait.ts'

const content = Buffer.from(Array.from({ length: 4_000_000 }, (_, i) => (i * 7919) >> 5))
const half = content.length / 2
const main = join(projectRoot, 'dist/engine/main.js')

let state: string
const children: ChildProcess[] = []
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'hailstream-pull-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(state, { recursive: true })
})

const model = () => join(state, 'models/yolov8n.onnx')
const part = () => join(state, 'models/parts/yolov8n.onnx')
const partBytes = () => (existsSync(part()) ? statSync(part()).size : 0)

interface Pull {
  readonly child: ChildProcess
  readonly output: () => string
  /** Exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** `hailstream models pull yolov8n` as a process of its own. */
function pull(url: string): Pull {
  const args = [main, 'models', 'pull', 'yolov8n', '--set', `models.mirror=${url}`]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, HAILSTREAM_STATE: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk))
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? '')),
  )
  return { child, output: () => text, ended }
}

/** Sends the first half, and the second one when it is released. */
function inHalves(): { readonly answer: Answer; readonly release: () => void } {
  let release = (): void => undefined
  const answer: Answer = (_, response, asked) => {
    response.writeHead(200, { etag: '"one"', 'content-length': content.length }).write(content.subarray(0, half))
    asked.sent += half
    release = () => {
      asked.sent += content.length - half
      response.end(content.subarray(half))
    }
    return undefined
  }
  return { answer, release: () => release() }
}

describe('pulling in processes of their own', { timeout: 90_000 }, () => {
  it('downloads once when two pull at once, and both have the whole file', async () => {
    const { answer, release } = inHalves()
    await using server = await FileServer.start(content, answer)
    const first = pull(server.url)
    await until('the first half', () => partBytes() === half, 30_000)
    const second = pull(server.url)
    await until('the other to wait', () => second.output().includes('another process fetches it: 50 %'), 30_000)
    release()
    expect([await first.ended, await second.ended]).toEqual([0, 0])
    expect(server.requests).toHaveLength(1)
    expect(server.sent).toBe(content.length)
    expect(readFileSync(model()).equals(content)).toBe(true)
    expect(second.output()).toContain(`, ${model()}`)
    expect(readdirSync(join(state, 'models/parts'))).toEqual(['yolov8n.onnx.lock'])
  })

  it('goes on after SIGKILL in the middle, and asks for nothing that was there', async () => {
    await using server = await FileServer.start(content, inHalves().answer)
    const killed = pull(server.url)
    await until('the first half', () => partBytes() === half, 30_000)
    killed.child.kill('SIGKILL')
    expect(await killed.ended).toBe('SIGKILL')
    expect([existsSync(model()), partBytes()]).toEqual([false, half])
    const again = pull(server.url)
    expect(await again.ended).toBe(0)
    expect(server.requests.map(({ range, ifRange, sent }) => [range, ifRange, sent]).slice(1)).toEqual([
      [`bytes=${half}-`, '"one"', content.length - half],
    ])
    expect(readFileSync(model()).equals(content)).toBe(true)
  })

  it('lets the one that waits go on where one that was killed has stopped', async () => {
    await using server = await FileServer.start(content, inHalves().answer)
    const killed = pull(server.url)
    await until('the first half', () => partBytes() === half, 30_000)
    const waiting = pull(server.url)
    await until('the other to wait', () => waiting.output().includes('another process fetches it'), 30_000)
    killed.child.kill('SIGKILL')
    expect(await waiting.ended).toBe(0)
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`])
    expect(readFileSync(model()).equals(content)).toBe(true)
  })

  it('keeps what came at Ctrl-C, says so, and exits as interrupted programs do', async () => {
    await using server = await FileServer.start(content, inHalves().answer)
    const { child, ended, output } = pull(server.url)
    await until('the first half', () => partBytes() === half, 30_000)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(output()).toMatch(/was cancelled\. 2\.0 MB are kept: models pull yolov8n goes on from there/)
    expect([existsSync(model()), partBytes()]).toEqual([false, half])
  })
})
