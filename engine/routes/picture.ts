import { EngineError, messageOf } from '../errors.ts'
import { decodeBase64, decodeDataUrl } from '../inference/encoded-bytes.ts'

/** The largest picture, encoded. */
const maxImageBytes = 33_554_432
const fieldName = 'image'
/** Options that are lists: as text their items are separated by commas. */
const listOptions: ReadonlySet<string> = new Set(['classes'])
/** Options that are texts, also where they read as a number. */
const textOptions: ReadonlySet<string> = new Set(['prompt', 'model', 'name'])

/** `curl -d` names the second unless it is told otherwise. */
const jsonTypes: ReadonlySet<string> = new Set(['application/json', 'application/x-www-form-urlencoded'])

/** The body is of a type that is not understood: status 415. */
export class WrongType extends Error {}

/** What a request asks about. */
export interface PictureRequest {
  /** JPEG, PNG or WebP, not looked at yet. */
  readonly bytes: Uint8Array
  readonly options: Readonly<Record<string, unknown>>
}

/** The picture and the options of a request: multipart with a field `image`, a raw `image/*` body, or JSON with `image` as base64 or data URL. Throws `invalid`, `too-large`, `WrongType`. */
export async function readPicture(request: Request): Promise<PictureRequest> {
  const query = [...new URL(request.url).searchParams].map(([name, text]) => [name, parseOption(name, text)] as const)
  const { bytes, options } = await readBody(request)
  if (bytes.length === 0) throw new EngineError('invalid', 'Expected a picture (JPEG, PNG or WebP), received 0 bytes')
  if (bytes.length > maxImageBytes)
    throw new EngineError('too-large', `Expected a picture of at most ${maxImageBytes} bytes, received ${bytes.length}`)
  return { bytes, options: { ...Object.fromEntries(query), ...options } }
}

function readBody(request: Request): Promise<PictureRequest> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'multipart/form-data') return readForm(request)
  if (jsonTypes.has(type)) return readJson(request)
  if (type.startsWith('image/') || type === 'application/octet-stream') return readRaw(request)
  throw new WrongType(
    `Expected multipart/form-data with a field ${fieldName}, image/* or application/json, received ${type || 'no content type'}`,
  )
}

async function readRaw(request: Request): Promise<PictureRequest> {
  return { bytes: new Uint8Array(await request.arrayBuffer()), options: {} }
}

async function readForm(request: Request): Promise<PictureRequest> {
  const form = await parse(() => request.formData(), 'multipart/form-data')
  const image = form.get(fieldName)
  if (image === null) {
    const names = [...new Set(form.keys())].join(', ') || 'none'
    throw new EngineError('invalid', `Expected the picture in the field ${fieldName}, received the fields: ${names}`)
  }
  const options = [...form].flatMap(([name, value]) =>
    name === fieldName || typeof value !== 'string' ? [] : [[name, parseOption(name, value)] as const],
  )
  const bytes = typeof image === 'string' ? decodeText(image) : new Uint8Array(await image.arrayBuffer())
  return { bytes, options: Object.fromEntries(options) }
}

async function readJson(request: Request): Promise<PictureRequest> {
  const body: unknown = await parse(() => request.json(), 'JSON')
  const { [fieldName]: image, ...options } =
    typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  if (typeof image !== 'string')
    throw new EngineError(
      'invalid',
      `Expected {"${fieldName}": "<base64 or data URL>"}, received ${image === undefined ? 'no such key' : typeof image}`,
    )
  return { bytes: decodeText(image), options }
}

async function parse<T>(read: () => Promise<T>, what: string): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw new EngineError('invalid', `Expected a body of ${what} that can be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function decodeText(text: string): Uint8Array {
  return text.startsWith('data:') ? decodeDataUrl(text, fieldName) : decodeBase64(text, fieldName)
}

/** A number or truth value where the text reads as one. */
function parseOption(name: string, text: string): unknown {
  if (listOptions.has(name)) return text.split(',').map((item) => item.trim())
  if (textOptions.has(name)) return text
  if (text === 'true' || text === 'false') return text === 'true'
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}
