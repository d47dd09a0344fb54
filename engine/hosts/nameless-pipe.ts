import { spawnSync } from 'node:child_process'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineError } from '../errors.ts'

/** A descriptor of a pipe that can be written and read, and whose name is gone: it vanishes with the process. Throws `unavailable`. */
export function openNamelessPipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-pipe-'))
  try {
    const pipe = join(folder, 'pipe')
    const { status, error } = spawnSync('mkfifo', ['-m', '600', pipe])
    if (status !== 0)
      throw new EngineError('unavailable', `Expected mkfifo to make ${pipe}: ${error ?? `status ${status}`}`)
    return openSync(pipe, 'r+')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
