import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isThrottledByHeat, MachineLoad, parseCpuTimes } from '../engine/machine-load.ts'

const thermal = 'sys/class/thermal'
/** As on a machine of two cores, with lines that look alike. */
const statText = (cpu: string) =>
  `cpu  ${cpu}\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nintr 2155547 0\nctxt 3\n`

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hailstream-machine-'))
})
afterEach(() => rm(root, { recursive: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, dirname(path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

describe('parseCpuTimes', () => {
  it('takes all but idling and waiting for a disk as busy, and counts guests once', () => {
    const text = statText('102038 28063 23551 223690 987 11 2277 1043 500 600')
    expect(parseCpuTimes(text)).toEqual({ busy: 156_983, total: 381_660 })
  })

  it('reads the shorter line of an old kernel', () => {
    expect(parseCpuTimes('cpu  10 0 5 85\n')).toEqual({ busy: 15, total: 100 })
  })

  it.each(['', 'cpu0 1 2 3 4\n', 'cpu  1 2 3\n', 'cpu  a b c d\n'])('knows nothing by %j', (text) => {
    expect(parseCpuTimes(text)).toBeUndefined()
  })
})

describe('isThrottledByHeat', () => {
  it.each([
    ['0', false],
    ['8', true],
    ['4', true],
    ['2\n', true],
    ['e0008', true],
    // Only in the past.
    ['f0000', false],
    // A weak power supply.
    ['50005', false],
    ['1', false],
    ['9', true],
    ['', false],
  ])('reads %j as %s', (text, expected) => {
    expect(isThrottledByHeat(text)).toBe(expected)
  })
})

describe('MachineLoad', () => {
  it('gives the share of the CPU since the last reading', async () => {
    const machine = new MachineLoad(root)
    const shares: unknown[] = []
    for (const times of ['100 0 0 100 0 0 0 0 0 0', '175 0 0 125 0 0 0 0 0 0', '175 0 0 225 0 0 0 0 0 0']) {
      await write({ 'proc/stat': statText(times) })
      shares.push((await machine.read()).cpu)
    }
    expect(shares).toEqual([null, 0.75, 0])
  })

  it('gives the temperature of the part of the processor that is nearest to its limit, and of nothing else', async () => {
    await write({
      [`${thermal}/thermal_zone0/type`]: 'acpitz\n',
      [`${thermal}/thermal_zone0/temp`]: '99000\n',
      [`${thermal}/thermal_zone1/type`]: 'cpu-thermal\n',
      [`${thermal}/thermal_zone1/temp`]: '61250\n',
      [`${thermal}/thermal_zone2/type`]: 'x86_pkg_temp\n',
      [`${thermal}/thermal_zone2/temp`]: '72500\n',
      [`${thermal}/thermal_zone3/type`]: 'soc-thermal\n',
      [`${thermal}/cooling_device0/type`]: 'cpu-fan\n',
    })
    const machine = new MachineLoad(root)
    // 22.5 °C below its limit, against 18.75.
    expect(await machine.read()).toMatchObject({ temperature: 61.25, hotAt: 80 })
    await write({ [`${thermal}/thermal_zone2/temp`]: '96000\n' })
    expect(await machine.read()).toMatchObject({ temperature: 96, hotAt: 95 })
    await write({ [`${thermal}/thermal_zone2/temp`]: 'unreadable' })
    expect(await machine.read()).toMatchObject({ temperature: 61.25, hotAt: 80 })
  })

  it.each(['soc/soc:firmware', 'soc@107c000000/soc@107c000000:firmware'])(
    'reads what the firmware of a Raspberry Pi says below %s',
    async (folder) => {
      const file = `sys/devices/platform/${folder}/get_throttled`
      await write({ 'sys/devices/platform/soc-other/x': '', [file]: '8\n' })
      const machine = new MachineLoad(root)
      expect((await machine.read()).throttled).toBe(true)
      await write({ [file]: '80000\n' })
      expect((await machine.read()).throttled).toBe(false)
    },
  )

  it('knows nothing of a machine that tells nothing', async () => {
    expect(await new MachineLoad(root).read()).toEqual({ cpu: null, temperature: null, hotAt: 80, throttled: null })
  })

  it('reads this machine', async () => {
    const machine = new MachineLoad()
    await machine.read()
    const share = async () => (await machine.read()).cpu
    await expect.poll(share, { timeout: 10_000 }).toBeGreaterThanOrEqual(0)
  })
})
