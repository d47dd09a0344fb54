import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { parse as parseYaml, YAMLParseError } from 'yaml'
import { z } from 'zod'
import type { CommandLine } from './command-line.ts'
import { EngineError, messageOf } from './errors.ts'
import { projectRoot } from './root.ts'
import { tlsSchema } from './tls/tls-settings.ts'
import { voiceSchema } from './voice/voice-config.ts'

const byteSize = z
  .union([
    z.number().int().positive(),
    z.string().regex(/^\d+(\.\d+)?\s*(B|kB|MB|GB)$/, 'Expected a size such as 512MB or 4GB'),
  ])
  .transform((value) => (typeof value === 'number' ? value : parseBytes(value)))

const [minSide, maxSide] = [16, 8192]
const imageSize = z
  .string()
  .regex(/^\d{2,5}x\d{2,5}$/, 'Expected a size such as 1920x1080')
  .refine((text) => text.split('x').every((side) => Number(side) >= minSide && Number(side) <= maxSide), {
    error: `Expected a size of ${minSide} to ${maxSide} pixels a side`,
  })
  .transform((text) => {
    const [width = 0, height = 0] = text.split('x').map(Number)
    return { width, height }
  })

const listenSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.number().int().min(0).max(65_535).default(8080),
  /** A second port that speaks TLS: `self-signed`, or where its certificate lies. */
  tls: tlsSchema,
  access: z.enum(['token-unless-loopback', 'open']).default('token-unless-loopback'),
  tokenFile: z.string().min(1).nullable().default(null),
  /** Origins of web pages that may connect beside our own, as `https://example.org`. */
  origins: z.array(z.string().min(1)).default([]),
})

const modelsSchema = z.strictObject({
  /** A folder or an http(s) address that holds the artefacts by file name. */
  mirror: z.string().min(1).nullable().default(null),
  /** Folders searched, never written. */
  paths: z.array(z.string().min(1)).default([]),
  budget: z
    .strictObject({
      host: byteSize.default(4_000_000_000),
      device: z.union([z.literal('auto'), byteSize]).default('auto'),
    })
    .prefault({}),
  preload: z.array(z.string().min(1)).default([]),
  pin: z.array(z.string().min(1)).default([]),
  /** Seconds that an unused model stays loaded; −1 for ever. */
  keepAlive: z.number().int().min(-1).default(-1),
})

/** Names that are taken among what runs language models. */
const ownBackends = ['hailo', 'llama']

const languageSchema = z.strictObject({
  /** Tokens of a context that this machine holds itself: its memory grows with them. */
  contextLength: z.number().int().min(256).max(131_072).default(4096),
  /** Servers elsewhere whose models can be asked here. */
  servers: z
    .array(
      z
        .strictObject({
          url: z
            .url({ protocol: /^https?$/, error: 'Expected an address that begins with http:// or https://' })
            .refine((url) => !/\/\/[^/]*@/.test(url), { error: 'Expected an address without a name and a password' }),
          api: z.enum(['ollama', 'openai']),
          /** As models and messages name it; left out: host and port of the address. */
          name: z.string().min(1).max(64).optional(),
          /** A file that holds the key which the server wants. */
          keyFile: z.string().min(1).nullable().default(null),
        })
        .transform((server) => ({ ...server, name: server.name ?? new URL(server.url).host })),
    )
    .max(16)
    .refine((servers) => new Set(servers.map(({ name }) => name)).size === servers.length, {
      error: 'Expected each server to have a name of its own',
    })
    .refine((servers) => !servers.some(({ name }) => ownBackends.includes(name)), {
      error: `Expected no server to be named ${ownBackends.join(' or ')}`,
    })
    .default([]),
})

/** The one configuration schema: every key with its default, as CONTRACT lists them. An unknown key is an error. */
export const configSchema = z.strictObject({
  listen: listenSchema.prefault({}),
  compat: z.strictObject({ ollama: z.boolean().default(false), services: z.boolean().default(false) }).prefault({}),
  /** Names of files in the pipelines folder, or pipelines written inline. */
  pipelines: z.array(z.union([z.string().min(1), z.record(z.string(), z.unknown())])).default(['demo']),
  models: modelsSchema.prefault({}),
  language: languageSchema.prefault({}),
  /** `keepPictures`: of people who are enrolled by a picture; otherwise only numbers that tell their faces from others are kept. */
  faces: z.strictObject({ keepPictures: z.boolean().default(false) }).prefault({}),
  hailo: z
    .strictObject({
      enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
      group: z.string().min(1).default('SHARED'),
      standIn: z.boolean().default(false),
    })
    .prefault({}),
  hosts: z
    .strictObject({ threads: z.union([z.literal('auto'), z.number().int().min(1).max(256)]).default('auto') })
    .prefault({}),
  images: z
    .strictObject({ slots: z.number().int().min(8).max(1024).default(32), maxSize: imageSize.prefault('1920x1080') })
    .prefault({}),
  voice: voiceSchema.prefault({}),
  /** A port for Home Assistant, which knows no token; null: none. */
  wyoming: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(10_300),
    })
    .nullable()
    .default(null),
  log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
})

/** The parsed configuration, and the folders and secrets that come from outside of the file. Frozen. */
export interface Config extends Readonly<z.output<typeof configSchema>> {
  /** Everything the engine writes lies in this folder. */
  readonly state: string
  readonly pipelinesFolder: string
  /** From HAILSTREAM_TOKEN; the file of `listen.tokenFile` is read by the server. */
  readonly token: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** Which option and which variable set which key. */
const settings = [
  { option: 'port', variable: 'HAILSTREAM_PORT', path: 'listen.port' },
  { option: 'host', variable: 'HAILSTREAM_HOST', path: 'listen.host' },
  { option: 'token-file', variable: 'HAILSTREAM_TOKEN_FILE', path: 'listen.tokenFile' },
  { option: 'access', variable: 'HAILSTREAM_ACCESS', path: 'listen.access' },
  { option: 'log-level', variable: 'HAILSTREAM_LOG_LEVEL', path: 'log.level' },
  { option: null, variable: 'HAILSTREAM_MODELS_MIRROR', path: 'models.mirror' },
] as const

/** `--set`, then option, then variable, then file, then default. Throws `invalid`, naming the place. */
export function loadConfig(line: CommandLine, environment: Environment): Config {
  const file = line.options.config ?? environment.HAILSTREAM_CONFIG
  const { values, places } = gather(line, environment, file)
  const parsed = configSchema.safeParse(values, { reportInput: true })
  if (!parsed.success)
    throw new EngineError('invalid', parsed.error.issues.map((issue) => describe(issue, places, file)).join('; '))
  const searched = (environment.MODEL_PATH ?? '').split(':').filter((path) => path !== '')
  const models = { ...parsed.data.models, paths: [...parsed.data.models.paths, ...searched] }
  return Object.freeze({
    ...parsed.data,
    models,
    state: resolve(environment.HAILSTREAM_STATE ?? join(projectRoot, '.state')),
    pipelinesFolder: resolve(
      line.options.pipelines ?? environment.HAILSTREAM_PIPELINES ?? join(projectRoot, 'pipelines'),
    ),
    // An empty one, as unset variables of a service file are, must not open the door to empty tokens.
    token: environment.HAILSTREAM_TOKEN || null,
  })
}

/** Keys of the contract whose function comes with a later version. */
const laterKeys = [...['compat.services']]

/** Keys that differ from their default and do nothing yet: whoever set one should be told. */
export function keysWithoutEffect(config: Config): string[] {
  const defaults = configSchema.parse({})
  return laterKeys.filter((path) => JSON.stringify(valueAt(config, path)) !== JSON.stringify(valueAt(defaults, path)))
}

function valueAt(section: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], section)
}

/** Threads of one CPU inference: all cores but one, so that the streams keep moving. */
export function inferenceThreads(config: Config): number {
  return config.hosts.threads === 'auto' ? Math.max(1, availableParallelism() - 1) : config.hosts.threads
}

function gather(line: CommandLine, environment: Environment, file: string | undefined) {
  const values = file === undefined ? {} : readFile(file)
  const places = new Map<string, string>()
  const put = (path: string, value: unknown, place: string) => {
    setPath(values, path, path === 'listen.port' ? toNumber(value) : value, place)
    places.set(path, place)
  }
  for (const { variable, path } of settings)
    if (environment[variable] !== undefined) put(path, environment[variable], variable)
  for (const { option, path } of settings) {
    const value = option === null ? undefined : line.options[option]
    if (option !== null && value !== undefined) put(path, value, `--${option}`)
  }
  for (const { path, text } of line.set) put(path, parseScalar(text), `--set ${path}`)
  return { values, places }
}

function readFile(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new EngineError('invalid', `Expected a configuration file at ${file}: ${messageOf(error)}`, { cause: error })
  }
  const value = parseYamlFile(text, file)
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw new EngineError('invalid', `${file}: Expected keys and values`)
  return value as Record<string, unknown>
}

function parseYamlFile(text: string, file: string): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new EngineError('invalid', `${file}: ${error.message}`, { cause: error })
  }
}

/** A value of `--set`: YAML where it reads as YAML (numbers, lists), else the text itself. */
function parseScalar(text: string): unknown {
  try {
    return parseYaml(text)
  } catch (error) {
    if (error instanceof YAMLParseError) return text
    throw error
  }
}

/** Variables and options are text; a port that is none stays text, and the schema names it. */
function toNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

function setPath(values: Record<string, unknown>, path: string, value: unknown, place: string): void {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let section = values
  for (const key of keys) {
    section[key] ??= {}
    const next = section[key]
    if (typeof next !== 'object' || next === null || Array.isArray(next)) {
      throw new EngineError('invalid', `${place}: Expected ${key} to be a section, but it is a value`)
    }
    section = next as Record<string, unknown>
  }
  section[last] = value
}

function describe(issue: z.core.$ZodIssue, places: ReadonlyMap<string, string>, file: string | undefined): string {
  const path = issue.path.join('.')
  const place = places.get(path) ?? `${file ?? 'configuration'}: ${path === '' ? 'top level' : path}`
  if (issue.code === 'unrecognized_keys') return `${place}: unknown key ${issue.keys.join(', ')}`
  return `${place}: ${issue.message}, received ${JSON.stringify(issue.input)}`
}

const bytesPerUnit: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }

function parseBytes(text: string): number {
  const [, amount = '0', unit = 'B'] = /^([\d.]+)\s*(\w+)$/.exec(text) ?? []
  return Math.round(Number(amount) * (bytesPerUnit[unit] ?? 1))
}
