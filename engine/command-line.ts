import { parseArgs } from 'node:util'
import { EngineError, messageOf } from './errors.ts'

/** An option of the command line, without its dashes. */
export type OptionName = 'config' | 'port' | 'host' | 'pipelines' | 'token-file' | 'access' | 'log-level'

/** What was typed, not yet judged: values are checked by the configuration's schema. */
export interface CommandLine {
  readonly command: 'start' | 'models' | 'doctor' | 'help' | 'version'
  /** What follows the command. */
  readonly words: readonly string[]
  /** Print for programs; `doctor` and `models list` only. */
  readonly json: boolean
  readonly options: Readonly<Partial<Record<OptionName, string>>>
  /** Options of the commands on models. */
  readonly flags: { readonly backend?: string; readonly as?: string }
  /** Each `--set key.path=value`, in order. */
  readonly set: readonly { readonly path: string; readonly text: string }[]
}

/** What `hailstream help` prints. */
export const usage = `hailstream: realtime AI streams on the edge

  hailstream start [options]
  hailstream models list [TASK, BACKEND or a part of a name]   what there is, and what of it is here; --json
  hailstream models pull NAME...     fetches models, from the mirror or where the catalogue says; what broke off goes on
  hailstream models verify [NAME...] hashes what is here; the exit status is 1 when something is wrong
  hailstream models remove NAME...   removes what was fetched or imported
  hailstream models import FILE      takes a file of this machine into the store
  hailstream doctor [--json]         what is wrong on this machine, and how to mend it; --json

  --backend B             pull: onnx, hailo, llama, sherpa or piper (what this machine runs)
  --as NAME               import: which model, or which file of one, it is
  --json                  list: all that is known, for programs

  --config FILE           configuration (hailstream.yaml)              HAILSTREAM_CONFIG
  --port N                port to listen on (8080)                     HAILSTREAM_PORT
  --host ADDRESS          address to listen on (127.0.0.1)             HAILSTREAM_HOST
  --pipelines DIR         folder with pipelines                        HAILSTREAM_PIPELINES
  --token-file FILE       token that other machines must show          HAILSTREAM_TOKEN_FILE
  --access open           no token, on any address                     HAILSTREAM_ACCESS
  --log-level LEVEL       trace, debug, info, warn or error            HAILSTREAM_LOG_LEVEL
  --set key.path=value    any key of the configuration; may be repeated

HAILSTREAM_STATE is the folder for everything the engine writes. Options win over variables, variables over the file.
`

const text = { type: 'string' } as const

/** Reads the arguments after the program's name. Throws `invalid` for an unknown command or option. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args)
  const { set, help, version, json = false, backend, as, ...options } = values
  const alone = { words: [], json: false, options: {}, flags: {}, set: [] }
  if (help === true || positionals[0] === 'help') return { command: 'help', ...alone }
  if (version === true) return { command: 'version', ...alone }
  const [command, ...words] = positionals
  if (!(command === 'models' || ((command === 'start' || command === 'doctor') && words.length === 0))) {
    throw new EngineError(
      'invalid',
      `Expected the command start, models or doctor, received ${positionals.join(' ') || 'none'}. Try: hailstream help`,
    )
  }
  if (command === 'start' && json)
    throw new EngineError(
      'invalid',
      'Expected --json behind the commands models and doctor only, received it behind start',
    )
  const flags = { ...(backend !== undefined && { backend }), ...(as !== undefined && { as }) }
  if (command !== 'models') expectNoFlags(flags)
  return { command, words, json, options, flags, set: (set ?? []).map(parseSetting) }
}

function expectNoFlags(flags: object): void {
  const given = Object.keys(flags).map((name) => `--${name}`)
  if (given.length > 0)
    throw new EngineError(
      'invalid',
      `Expected ${given.join(', ')} behind the command models only. Try: hailstream help`,
    )
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: text,
        port: text,
        host: text,
        pipelines: text,
        'token-file': text,
        access: text,
        'log-level': text,
        set: { type: 'string', multiple: true },
        backend: text,
        as: text,
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new EngineError('invalid', messageOf(error), { cause: error })
  }
}

function parseSetting(setting: string) {
  const at = setting.indexOf('=')
  if (at < 1) throw new EngineError('invalid', `--set: Expected key.path=value, received ${setting}`)
  return { path: setting.slice(0, at), text: setting.slice(at + 1) }
}
