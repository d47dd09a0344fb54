import { type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/**
 * The engine's root logger: one JSON object a line on standard output, where systemd hands it to journald; on a
 * terminal a short readable line. Each part takes a child with its name.
 */
export function createLog(level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return process.stdout.isTTY
    ? pino(options, { write: (line: string) => process.stdout.write(toReadable(line)) })
    : pino(options)
}

function toReadable(line: string): string {
  const { level, time, msg, part, ...fields } = JSON.parse(line) as Record<string, unknown>
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${String(time).slice(11, 19)} ${String(level).padEnd(5)} ${part === undefined ? '' : `${part}: `}${msg}${rest.join('')}\n`
}
