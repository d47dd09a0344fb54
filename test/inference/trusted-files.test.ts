import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashFile } from '../../engine/inference/model-search.ts'
import { TrustedFiles } from '../../engine/inference/trusted-files.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-trusted-'))
  file = join(folder, 'model.hef')
  await writeFile(file, 'first')
})
afterEach(() => rm(folder, { recursive: true }))

describe('a file that the driver is to read', () => {
  it('is taken as it is at first, and held to that over restarts', async () => {
    expect(await new TrustedFiles(folder, hashFile).distrust(file)).toBeUndefined()
    const later = new TrustedFiles(folder, hashFile)
    expect(await later.distrust(file)).toBeUndefined()
    await writeFile(file, 'crafted')
    expect(await later.distrust(file)).toContain(`Expected ${file} to be what it was at its first use`)
    await writeFile(file, 'first')
    expect(await later.distrust(file)).toBeUndefined()
  })

  it('is taken anew once its line was removed, as the message says', async () => {
    await new TrustedFiles(folder, hashFile).distrust(file)
    await writeFile(file, 'newer release')
    const records = join(folder, 'trusted-files.json')
    const running = new TrustedFiles(folder, hashFile)
    expect(await running.distrust(file)).toContain(records)
    await writeFile(records, '{}')
    expect(await running.distrust(file)).toBeUndefined()
    expect(JSON.parse(await readFile(records, 'utf8'))).toEqual({ [file]: await hashFile(file) })
  })

  it('is not taken while the records cannot be read', async () => {
    const records = join(folder, 'trusted-files.json')
    await writeFile(records, 'torn')
    const trusted = new TrustedFiles(folder, hashFile)
    expect(await trusted.distrust(file)).toContain(`Expected hashes by path in ${records}`)
    await rm(records)
    expect(await trusted.distrust(file)).toBeUndefined()
  })

  it('is not taken when it cannot be read', async () => {
    expect(await new TrustedFiles(folder, hashFile).distrust(join(folder, 'gone.hef'))).toContain('ENOENT')
  })
})
