import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { EngineError, messageOf } from '../../errors.ts'
import { decodeBase64, decodeDataUrl } from '../../inference/encoded-bytes.ts'
import { type Form, readForm, WrongUpload } from '../upload.ts'

/** What a request of a job holds, before it is known whether it fits. */
export interface JobBody {
  readonly kind: 'prompt' | 'image' | 'audio'
  /** Prompts as text; pictures and audio as bytes. */
  readonly values: readonly (string | Uint8Array)[]
  readonly batch: boolean
  readonly options: Readonly<Record<string, unknown>>
}

const maxInputs = 1000
const limits = { maxFileBytes: 33_554_432, maxFiles: maxInputs }
/** The list of what a key has one of. */
const plurals: Readonly<Record<string, JobBody['kind']>> = { prompts: 'prompt', images: 'image', audios: 'audio' }
const kinds: readonly JobBody['kind'][] = ['image', 'audio', 'prompt']

/** `curl -d` names the second unless it is told otherwise. */
const jsonTypes: ReadonlySet<string | undefined> = new Set(['application/json', 'application/x-www-form-urlencoded'])

const jsonSchema = z.record(z.string(), z.unknown(), 'Expected a JSON object')
const valueSchema = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(maxInputs)])

/** Reads JSON, or a form with files; `folder` is for them. Throws `invalid`, `too-large`, `WrongUpload`. */
export async function readJobBody(request: Request, folder: string): Promise<JobBody> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (jsonTypes.has(type)) return readJson(request)
  if (type !== 'multipart/form-data')
    throw new WrongUpload(`Expected application/json or multipart/form-data, received ${type || 'no content type'}`)
  const form = await readForm(request, folder, limits)
  try {
    return await fromForm(form)
  } finally {
    await form[Symbol.asyncDispose]()
  }
}

async function readJson(request: Request): Promise<JobBody> {
  const body: unknown = await request.json().catch((error: unknown) => {
    throw new EngineError('invalid', `Expected a body of JSON that can be read: ${messageOf(error)}`, { cause: error })
  })
  const given = check(jsonSchema, body, 'body')
  const { kind, key, rest } = pick(given)
  const value = check(valueSchema, given[key], key)
  const texts = typeof value === 'string' ? [value] : value
  const values = kind === 'prompt' ? texts : texts.map((text) => decode(text, key))
  return { kind, values, batch: typeof value !== 'string' || key in plurals, options: rest }
}

/** The one key that says what there is to work on: a picture with a prompt would be two. */
function pick(given: Readonly<Record<string, unknown>>) {
  const keys = Object.keys(given).filter((key) => key in plurals || kinds.includes(key as JobBody['kind']))
  const [key] = keys
  if (key === undefined || keys.length > 1)
    throw new EngineError(
      'invalid',
      `Expected one of prompt, image and audio, or their lists prompts, images and audios, received ${keys.join(' and ') || 'none'}`,
    )
  const { [key]: _, ...rest } = given
  return { kind: plurals[key] ?? (key as JobBody['kind']), key, rest }
}

async function fromForm({ files, fields }: Form): Promise<JobBody> {
  const options = Object.fromEntries(
    fields.map(([name, text]) => [name, name === 'options' ? parseOptions(text) : text]),
  )
  const [first] = files
  if (first === undefined) throw new EngineError('invalid', 'Expected files in the field image or audio, received none')
  const field = first.field.replace(/\[\]$/, '')
  const kind = plurals[field] ?? kinds.find((name) => name === field)
  if (kind === undefined || kind === 'prompt' || files.some((file) => file.field !== first.field))
    throw new EngineError(
      'invalid',
      `Expected all files in the field image, or all in the field audio, received ${files.map((file) => file.field).join(', ')}`,
    )
  const values: Uint8Array[] = []
  for (const file of files) values.push(await readAll(file.fd, file.bytes))
  return { kind, values, batch: files.length > 1 || first.field !== kind, options }
}

/** The descriptor stays open. */
async function readAll(fd: number, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for await (const chunk of createReadStream('', { fd, start: 0, autoClose: false })) {
    whole.set(chunk as Buffer, at)
    at += (chunk as Buffer).length
  }
  return whole
}

function parseOptions(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new EngineError('invalid', `Expected JSON in the field options: ${messageOf(error)}`, { cause: error })
  }
}

/** Of base64 or a data URL. */
function decode(text: string, place: string): Uint8Array {
  const bytes = text.startsWith('data:') ? decodeDataUrl(text, place) : decodeBase64(text, place)
  if (bytes.length > 0) return bytes
  throw new EngineError('invalid', `Expected base64 or a data URL in ${place}, received 0 bytes`)
}

function check<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new EngineError(
    'invalid',
    parsed.error.issues.map(({ path, message }) => [place, ...path, message].join(': ')).join('; '),
  )
}
