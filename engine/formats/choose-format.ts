import { EngineError } from '../errors.ts'
import type { Format } from './format.ts'
import { formatsOf } from './formats.ts'

/** The client accepts nothing of what was asked for: status 406. */
export class NotAcceptable extends Error {}

/** The format of the task that is named, else the first that the client accepts by its Accept header. Throws `invalid` for a name that the task does not have, and `NotAcceptable`. */
export function chooseFormat(task: string, name: unknown, accept: string): Format {
  const formats = formatsOf(task)
  const wanted = name === undefined ? formats : formats.filter((format) => format.name === name)
  if (wanted.length === 0) {
    const known = formats.map((format) => format.name).join(', ')
    throw new EngineError('invalid', `Expected format to be one of ${known}, received ${JSON.stringify(name)}`)
  }
  const format = wanted.find(({ type }) => accepts(accept, type))
  if (format !== undefined) return format
  const types = [...new Set(wanted.map(({ type }) => type))].join(' or ')
  throw new NotAcceptable(`Expected the client to accept ${types}, received Accept: ${accept}`)
}

/** The task's options, with what the format needs. Throws `invalid` where the request wants it otherwise. */
export function optionsFor(format: Format, options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { name, needs = {} } = format
  const against = Object.keys(needs).find((key) => options[key] !== undefined && options[key] !== needs[key])
  if (against === undefined) return { ...options, ...needs }
  const [expected, received] = [needs[against], options[against]].map((value) => JSON.stringify(value))
  throw new EngineError('invalid', `Expected ${against} to be ${expected} with format ${name}, received ${received}`)
}

/** RFC 9110, section 12.5.1; of weights only 0 counts, which refuses. */
function accepts(header: string, type: string): boolean {
  const plain = type.split(';')[0]!
  return header.split(',').some((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    return !refused && [plain, '*/*', plain.replace(/[^/]+$/, '*')].includes(range)
  })
}
