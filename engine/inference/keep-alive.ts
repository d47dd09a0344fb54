import { EngineError } from '../errors.ts'

const seconds: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 }
const part = /(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)/g
const wholeText = /^(-?)((?:(?:\d+(?:\.\d+)?|\.\d+)(?:ms|s|m|h))+)$/

/**
 * Seconds that a model is to stay after its use, from what a client sends: a number of seconds, or a text as Ollama takes it (`300`,
 * `5m`, `1h30m`, `-1`). Less than 0 is −1: for ever. Throws `invalid`.
 */
export function parseKeepAlive(value: unknown): number {
  const parsed = typeof value === 'number' ? value : typeof value === 'string' ? parseText(value.trim()) : Number.NaN
  if (Number.isFinite(parsed)) return parsed < 0 ? -1 : parsed
  throw new EngineError(
    'invalid',
    `Expected keep_alive to be seconds or a time such as 5m, −1 for ever, received ${JSON.stringify(value)}`,
  )
}

function parseText(text: string): number {
  if (text !== '' && Number.isFinite(Number(text))) return Number(text)
  const [, sign = '', parts = ''] = wholeText.exec(text) ?? []
  if (parts === '') return Number.NaN
  const sum = [...parts.matchAll(part)].reduce(
    (total, [, amount, unit = 's']) => total + Number(amount) * (seconds[unit] ?? 1),
    0,
  )
  return sign === '-' ? -sum : sum
}
