import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../engine/command-line.ts'
import { inferenceThreads, keysWithoutEffect, loadConfig } from '../engine/config.ts'

const load = (args: string[], environment: Record<string, string> = {}) =>
  loadConfig(parseCommandLine(['start', ...args]), environment)

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'hailstream-config-')), 'hailstream.yaml')
  writeFileSync(path, text)
  return path
}

describe('configuration', () => {
  it('has the defaults of the contract', () => {
    const config = load([])
    expect(config.listen).toEqual({
      host: '127.0.0.1',
      port: 8080,
      tls: null,
      access: 'token-unless-loopback',
      tokenFile: null,
      origins: [],
    })
    expect(config.pipelines).toEqual(['demo'])
    expect(config.models.budget).toEqual({ host: 4_000_000_000, device: 'auto' })
    expect(config.models.keepAlive).toBe(-1)
    expect(config.images).toEqual({ slots: 32, maxSize: { width: 1920, height: 1080 } })
    expect(config.hailo).toEqual({ enabled: 'auto', group: 'SHARED', standIn: false })
    expect(inferenceThreads(config)).toBeGreaterThanOrEqual(1)
  })

  it('takes --set before the option, the option before the variable, the variable before the file', () => {
    const path = file('listen: { port: 1001, host: 127.0.0.2 }\nlog: { level: warn }\nhosts: { threads: 3 }\n')
    const environment = { HAILSTREAM_PORT: '1002', HAILSTREAM_CONFIG: path, HAILSTREAM_LOG_LEVEL: 'debug' }
    expect(load([], { HAILSTREAM_CONFIG: path }).listen.port).toBe(1001)
    expect(load([], environment).listen.port).toBe(1002)
    expect(load(['--port', '1003'], environment).listen.port).toBe(1003)
    const config = load(['--port', '1003', '--set', 'listen.port=1004'], environment)
    expect([config.listen.port, config.listen.host, config.log.level, config.hosts.threads]).toEqual([
      1004,
      '127.0.0.2',
      'debug',
      3,
    ])
  })

  it('names an unknown key with its place', () => {
    const path = file('listen: { prot: 1001 }\n')
    expect(() => load(['--config', path])).toThrow(`${path}: listen: unknown key prot`)
    expect(() => load(['--set', 'lisen.port=1'])).toThrow('unknown key lisen')
  })

  it('names a wrong value with its place and what came', () => {
    expect(() => load(['--port', 'http'])).toThrow(/--port: .*received "http"/)
    expect(() => load([], { HAILSTREAM_ACCESS: 'closed' })).toThrow(/HAILSTREAM_ACCESS: .*received "closed"/)
    expect(() => load(['--set', 'images.maxSize=big'])).toThrow(
      /--set images.maxSize: Expected a size such as 1920x1080/,
    )
    expect(() => load(['--config', '/nowhere/hailstream.yaml'])).toThrow('/nowhere/hailstream.yaml')
    expect(() => load(['--config', file('a: [1\n')])).toThrow('hailstream.yaml')
  })

  it('reads sizes, lists and read-only model folders', () => {
    const config = load(['--set', 'models.budget.host=512MB', '--set', 'pipelines=[]'], { MODEL_PATH: '/a:/b' })
    expect(config.models.budget.host).toBe(512_000_000)
    expect(config.pipelines).toEqual([])
    expect(config.models.paths).toEqual(['/a', '/b'])
  })

  it('refuses images whose slots could not be laid out', () => {
    expect(() => load(['--set', 'images.maxSize=99999x99999'])).toThrow('16 to 8192 pixels a side')
    expect(() => load(['--set', 'images.maxSize=10x10'])).toThrow('16 to 8192 pixels a side')
  })

  it('takes an empty token for none', () => {
    expect(load([], { HAILSTREAM_TOKEN: '' }).token).toBeNull()
    expect(load([], { HAILSTREAM_TOKEN: 'secret' }).token).toBe('secret')
  })

  it('names the keys that do nothing yet', () => {
    expect(keysWithoutEffect(load([]))).toEqual([])
    const args = ['--set', 'compat.services=true', '--set', 'compat.ollama=true', '--set', 'images.slots=40']
    expect(keysWithoutEffect(load(args))).toEqual(['compat.services'])
  })

  it('refuses unknown options and commands', () => {
    expect(() => parseCommandLine(['start', '--prot', '1'])).toThrow('--prot')
    expect(() => parseCommandLine(['begin'])).toThrow('Expected the command start, models or doctor, received begin')
    expect(() => load(['--set', 'listen.port'])).toThrow('Expected key.path=value')
  })

  it('takes servers of language models, each with a name of its own', () => {
    const path = file(`language:
  servers:
    - { url: 'http://192.0.2.7:11434', api: ollama }
    - { url: 'https://llm.example.org/v1', api: openai, name: big, keyFile: /etc/key }
`)
    expect(load([]).language).toEqual({ contextLength: 4096, servers: [] })
    expect(load(['--config', path]).language.servers).toEqual([
      { url: 'http://192.0.2.7:11434', api: 'ollama', name: '192.0.2.7:11434', keyFile: null },
      { url: 'https://llm.example.org/v1', api: 'openai', name: 'big', keyFile: '/etc/key' },
    ])
    const wrong = (servers: string) => () => load(['--set', `language.servers=${servers}`])
    expect(wrong('[{ url: "ftp://a", api: ollama }]')).toThrow(/language.servers.*http/)
    expect(wrong('[{ url: "http://a:b@c", api: ollama }]')).toThrow('without a name and a password')
    expect(wrong('[{ url: "http://a", api: other }]')).toThrow('language.servers.0.api')
    expect(wrong('[{ url: "http://a", api: ollama, key: x }]')).toThrow('unknown key key')
    expect(wrong('[{ url: "http://a", api: ollama }, { url: "http://a", api: openai }]')).toThrow('name of its own')
    expect(wrong('[{ url: "http://a", api: ollama, name: llama }]')).toThrow('hailo or llama')
  })
})
