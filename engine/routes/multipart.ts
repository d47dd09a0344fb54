import { EngineError } from '../errors.ts'

/** What a part says of itself. */
export interface PartHead {
  readonly name: string
  /** Undefined for a plain field. */
  readonly fileName: string | undefined
  /** As sent; `text/plain` where nothing is said. */
  readonly type: string
}

/** Takes what comes, in order. What it is given is borrowed until it returns. */
export interface PartSink {
  begin(head: PartHead): void
  bytes(chunk: Buffer): void
  end(): void
}

/** Of all heads of one part. */
const maxHeadBytes = 16_384
const maxBoundary = 70
const lineEnd = Buffer.from('\r\n')
const headEnd = Buffer.from('\r\n\r\n')
const [carriageReturn, dash] = Buffer.from('\r-')

/** The boundary of a `multipart/form-data` content type. Throws `invalid` when there is none. */
export function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType)
  const boundary = found?.[1] ?? found?.[2]
  if (boundary !== undefined && boundary.length <= maxBoundary) return boundary
  throw new EngineError('invalid', `Expected multipart/form-data; boundary=…, received ${contentType.slice(0, 200)}`)
}

/**
 * Takes a `multipart/form-data` body apart while it arrives (RFC 7578, RFC 2046 section 5.1). Holds no more than one head, or as many
 * bytes as a boundary has.
 */
export class MultipartParser {
  readonly #delimiter: Buffer
  readonly #sink: PartSink
  /** Read by nobody yet. The body may begin with a boundary: as if a line had ended before it. */
  #rest: Buffer = lineEnd
  #state: 'preamble' | 'boundary' | 'head' | 'part' | 'end' = 'preamble'

  constructor(boundary: string, sink: PartSink) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#sink = sink
  }

  /** Throws `invalid` at what is no such body. */
  write(chunk: Uint8Array): void {
    const more = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let data = this.#rest.length === 0 ? more : Buffer.concat([this.#rest, more])
    this.#rest = data.subarray(0, 0)
    while (data.length > 0 && this.#state !== 'end') {
      const used = this.#step(data)
      if (used === 0) break
      data = data.subarray(used)
    }
    // Of its own, so that the chunk is not kept for a few bytes of it.
    this.#rest = this.#state === 'end' ? data.subarray(0, 0) : Buffer.from(data)
  }

  /** Throws `invalid` when the body ended before its last boundary. */
  end(): void {
    if (this.#state !== 'end')
      throw new EngineError('invalid', 'Expected a multipart body that ends with its boundary, but it was cut short')
  }

  /** How many bytes of `data` are done with; 0: more must come first. */
  #step(data: Buffer): number {
    if (this.#state === 'boundary') return this.#passBoundary(data)
    if (this.#state === 'head') return this.#readHead(data)
    return this.#passContent(data)
  }

  #passContent(data: Buffer): number {
    const at = data.indexOf(this.#delimiter)
    const certain = at >= 0 ? at : data.length - this.#undecided(data)
    if (this.#state === 'part' && certain > 0) this.#sink.bytes(data.subarray(0, certain))
    if (at < 0) return certain
    if (this.#state === 'part') this.#sink.end()
    this.#state = 'boundary'
    return at + this.#delimiter.length
  }

  /** Bytes at the end that could be the start of a delimiter. */
  #undecided(data: Buffer): number {
    let at = Math.max(0, data.length - this.#delimiter.length + 1)
    for (;;) {
      at = data.indexOf(carriageReturn as number, at)
      if (at < 0) return 0
      if (this.#delimiter.subarray(0, data.length - at).equals(data.subarray(at))) return data.length - at
      at++
    }
  }

  /** Two dashes end the body; else the line ends, perhaps after blanks. */
  #passBoundary(data: Buffer): number {
    if (data.length < 2) return 0
    if (data[0] === dash && data[1] === dash) {
      this.#state = 'end'
      return 2
    }
    const end = data.indexOf(lineEnd)
    const blanks = data.subarray(0, end < 0 ? data.length : end)
    if (blanks.length > maxBoundary || blanks.toString('latin1').replace(/\r$/, '').trim() !== '')
      throw new EngineError('invalid', 'Expected a line end after a boundary of the multipart body, received more text')
    if (end < 0) return 0
    this.#state = 'head'
    return end + lineEnd.length
  }

  #readHead(data: Buffer): number {
    const end = data.indexOf(headEnd)
    if (end > maxHeadBytes || (end < 0 && data.length > maxHeadBytes))
      throw new EngineError('invalid', `Expected at most ${maxHeadBytes} bytes of heads in a part, received more`)
    if (end < 0) return 0
    this.#sink.begin(parseHead(data.toString('utf8', 0, end)))
    this.#state = 'part'
    return end + headEnd.length
  }
}

function parseHead(text: string): PartHead {
  const lines = text.split('\r\n').filter((line) => line !== '')
  const disposition = headerOf(lines, 'content-disposition')
  if (!/^form-data\b/i.test(disposition))
    throw new EngineError(
      'invalid',
      `Expected Content-Disposition: form-data in every part, received ${JSON.stringify(disposition.slice(0, 100))}`,
    )
  const name = parameterOf(disposition, 'name')
  if (name === undefined) throw new EngineError('invalid', 'Expected a name in the Content-Disposition of every part')
  const fileName = parameterOf(disposition, 'filename') ?? parameterOf(disposition, 'filename*')
  return { name, fileName, type: headerOf(lines, 'content-type') || 'text/plain' }
}

function headerOf(lines: readonly string[], name: string): string {
  const line = lines.find((candidate) => candidate.toLowerCase().startsWith(`${name}:`))
  return line?.slice(name.length + 1).trim() ?? ''
}

/** Browsers write a quote as %22 and line ends likewise (HTML, multipart/form-data encoding). */
function parameterOf(disposition: string, name: string): string | undefined {
  const escaped = name.replace('*', '\\*')
  const found = new RegExp(`;\\s*${escaped}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]+))`, 'i').exec(disposition)
  const text = found?.[1]?.replace(/\\(["\\])/g, '$1') ?? found?.[2]
  return text?.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n')
}
