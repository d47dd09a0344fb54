import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../engine/root.ts'

/** An entry of the lock file: `name` where another package stands in its place. */
interface Locked {
  readonly name?: string
  readonly os?: readonly string[]
}

describe('the builds of llama.cpp', () => {
  const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'))
  const builds = Object.entries<Locked>(lock.packages)
    .filter(([path]) => path.startsWith('node_modules/@node-llama-cpp/'))
    .map(([path, locked]) => ({ build: path.slice('node_modules/@node-llama-cpp/'.length), ...locked }))

  it('are those for the CPU of Linux on x64 and arm64; nothing of any other is ever installed', () => {
    const own = builds.filter(({ name }) => name === undefined).map(({ build }) => build)
    expect(own).toEqual(['linux-arm64', 'linux-x64'])
    expect(builds.map(({ build }) => build)).toContain('linux-x64-cuda')
    for (const { name, os } of builds) if (name !== undefined) expect(os).toEqual(['win32'])
    for (const build of readdirSync(join(projectRoot, 'node_modules/@node-llama-cpp'))) expect(own).toContain(build)
  })

  it('are neither fetched nor compiled by the set-up of the package', () => {
    const { config } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
    expect(config.nodeLlamaCppPostinstall).toBe('skip')
  })
})
