import { spawnSync } from 'node:child_process'
import { constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'

/** A descriptor of a pipe that can be written and read, and whose name is gone: it vanishes with the process. Throws `unavailable`. */
export function openNamelessPipe(): number {
  return withPipe((pipe) => openSync(pipe, 'r+'))
}

/** Both ends of such a pipe: who reads it sees its end when the last one who writes has closed it. The caller closes both. */
export function openNamelessEnds(): { readonly reading: number; readonly writing: number } {
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants
  // Without waiting, since each end would wait for the other.
  return withPipe((pipe) => ({
    reading: openSync(pipe, O_RDONLY | O_NONBLOCK),
    writing: openSync(pipe, O_WRONLY | O_NONBLOCK),
  }))
}

function withPipe<T>(open: (pipe: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-pipe-'))
  try {
    const pipe = join(folder, 'pipe')
    const { status, error } = spawnSync('mkfifo', ['-m', '600', pipe])
    if (status !== 0)
      throw new EngineError('unavailable', `Expected mkfifo to make ${pipe}: ${error ?? `status ${status}`}`)
    return open(pipe)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
