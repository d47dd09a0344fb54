import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../engine/root.ts'
import { until } from './support/wait.ts'

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) await end(child)
})

/** The first code block after the words `after`. */
function snippet(after: string): string {
  const start = readme.indexOf('```', readme.indexOf(after))
  const [, code = ''] = /^```\w+\n([\s\S]*?)^```/m.exec(readme.slice(start)) ?? []
  return code
}

function start(command: string, args: string[], cwd: string): { child: ChildProcess; output: () => string } {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout?.on('data', (chunk) => (text += chunk))
  child.stderr?.on('data', (chunk) => (text += chunk))
  children.push(child)
  return { child, output: () => text }
}

function end(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  return ended
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const pipeline = {
  name: 'demo',
  streams: { camera: { source: 'test', size: '320x240', rate: 5 }, objects: { from: 'camera', node: 'detect' } },
  publish: ['objects'],
}

async function startEngine(port: number): Promise<ChildProcess> {
  const args = ['start', '--port', String(port), '--set', `pipelines=${JSON.stringify([pipeline])}`]
  const { child, output } = start(process.execPath, [join(projectRoot, 'dist/engine/main.js'), ...args], projectRoot)
  await until('the engine to listen', () => output().includes('listening'))
  return child
}

/** A folder with the README's code in a file, where `ws` can be imported. */
function written(file: string, code: string, port: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-readme-'))
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, file), code.replaceAll(':8080', `:${port}`))
  return folder
}

describe('the README’s first subscribers', () => {
  const programs = [
    { title: 'Node', after: 'Node (`npm install ws`)', file: 'subscriber.mjs', command: process.execPath, options: [] },
    {
      title: 'Python',
      after: 'Python (`pip install websockets`)',
      file: 'subscriber.py',
      command: '/usr/bin/python3',
      options: ['-u'],
    },
  ]
  // A pipe, unlike a terminal, gets what Python prints only by the block: `-u` lets each line through.
  for (const { title, after, file, command, options } of programs) {
    it(`in ${title} prints results, and again after the engine was killed and restarted`, async () => {
      const port = await freePort()
      const engine = await startEngine(port)
      const subscriber = start(command, [...options, file], written(file, snippet(after), port))
      await until('a first result', () => subscriber.output().includes('['), 20_000)
      await end(engine)
      const before = subscriber.output().length
      await startEngine(port)
      await until(
        'a result of the new engine',
        () => subscriber.output().length > before && subscriber.output().slice(before).includes('['),
        30_000,
      )
      expect(subscriber.child.exitCode).toBeNull()
    }, 60_000)
  }
})

describe('the README’s commands of speech', () => {
  it('speak into files, and tell what was said in one, word by word as they are written', async () => {
    const port = await freePort()
    await startEngine(port)
    const folder = written('speech.sh', snippet('## Listen and speak'), port)
    const shell = start('sh', ['-e', 'speech.sh'], folder)
    await until('the end of the commands', () => shell.child.exitCode !== null, 240_000)
    expect([shell.child.exitCode, shell.output()]).toEqual([0, expect.stringMatching(/"text":"[a-z ']+"/)])
    expect(shell.output()).toMatch(/\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n/)
    expect(shell.output()).toContain('"name":"en-us","backend":"espeak-ng"')
    expect(readFileSync(join(folder, 'speech.wav')).toString('latin1', 0, 4)).toBe('RIFF')
    expect(readFileSync(join(folder, 'speech.mp3')).length).toBeGreaterThan(2000)
  }, 300_000)
})
