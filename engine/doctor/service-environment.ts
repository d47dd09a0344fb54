import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../root.ts'

const unitFile = '/etc/systemd/system/hailstream.service'

/**
 * The variables of the systemd unit that starts this very program, and of its environment file where that may be read: the doctor,
 * called by hand, looks at what the service looks at. Empty for a program that no unit starts. `read` throws as `readFileSync` does.
 */
export function serviceEnvironment(read: (file: string) => string = readText): Readonly<Record<string, string>> {
  const unit = readIfThere(read, unitFile)
  if (!unit.includes(` ${join(projectRoot, 'dist/engine/main.js')} `)) return {}
  const own = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, line = '']) => line)
  const files = [...unit.matchAll(/^EnvironmentFile=-?(.*)$/gm)].map(([, file = '']) => readIfThere(read, file))
  return Object.fromEntries([...own, ...files.flatMap((text) => text.split('\n'))].flatMap(toVariable))
}

/** Ours alone, as `HAILSTREAM_STATE=/var/lib/hailstream`, with or without quotes. */
function toVariable(line: string): [string, string][] {
  const [, name, value] = /^\s*["']?(HAILSTREAM_\w+|MODEL_PATH)=["']?(.*?)["']?\s*$/.exec(line) ?? []
  return name === undefined || value === undefined ? [] : [[name, value]]
}

function readIfThere(read: (file: string) => string, file: string): string {
  try {
    return read(file)
  } catch {
    // Not installed, or a file of root's: what it says is not known then.
    return ''
  }
}

function readText(file: string): string {
  return readFileSync(file, 'utf8')
}
