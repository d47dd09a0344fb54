import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { expectProgram, findProgram, Program } from '../../engine/hosts/program.ts'
import { isRunning } from '../support/processes.ts'

const sh = '/bin/sh'

describe('a program', () => {
  it('is found where it can be run, and is named with what to install where it cannot', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-programs-'))
    await writeFile(join(folder, 'runs'), '#!/bin/sh', { mode: 0o755 })
    await writeFile(join(folder, 'text'), 'no program', { mode: 0o644 })
    expect(findProgram('runs', `/nowhere:${folder}`)).toBe(join(folder, 'runs'))
    expect(findProgram('text', folder)).toBeUndefined()
    expect(findProgram('runs', '')).toBeUndefined()
    expect(() => expectProgram('no-such-program', 'its-package')).toThrow(
      'Expected the program no-such-program, found none. Try: sudo apt install its-package',
    )
    await rm(folder, { recursive: true })
  })

  it('tells how it ended and what it said last', async () => {
    const program = new Program({ command: sh, args: ['-c', 'echo "no such voice" >&2; exit 3'] })
    expect(await program.exited).toBe('status 3')
    expect(program.lastWords).toBe('no such voice')
  })

  it('does not mind being told more than it reads', async () => {
    const program = new Program({ command: sh, args: ['-c', 'exit 0'] })
    program.stdin.end('x'.repeat(1_000_000))
    expect(await program.exited).toBe('status 0')
  })

  it('is killed by its end, which may come twice', async () => {
    const program = new Program({ command: sh, args: ['-c', 'exec sleep 60'] })
    const pid = program.pid ?? 0
    expect(isRunning(pid)).toBe(true)
    await Promise.all([program.end(), program.end()])
    expect(await program.exited).toBe('SIGKILL')
    expect(isRunning(pid)).toBe(false)
  })
})
