import type { Config } from '../../config.ts'
import { addonFile } from '../../native/addon.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import { type Card, findCards, hailoDevice, installFix, readDriver } from '../hailo.ts'
import type { System } from '../system.ts'
import { rebuildFix } from './program.ts'

/** Whether there is an accelerator, with its driver and its device file. */
export async function checkHailoDevice(system: System, { hailo }: Config): Promise<Finding[]> {
  if (hailo.enabled === false) return [ok('hailo-device', 'switched off (hailo.enabled: false): models run on the CPU')]
  if (hailo.standIn)
    return [ok('hailo-device', 'the stand-in is configured (hailo.standIn): its results are simulated')]
  const [card] = await findCards(system)
  const device = await system.stat(hailoDevice)
  if (card !== undefined) return checkCard(system, card, device !== undefined)
  if (device !== undefined)
    return [ok('hailo-device', `${hailoDevice}, though the PCIe bus shows no card`), ...(await checkBuild(system))]
  const detail =
    'No Hailo device on the PCIe bus: models run on the CPU by ONNX Runtime. For the AI HAT+ 2, fit it and install its driver, firmware and HailoRT'
  const tell = hailo.enabled === true ? error : warning
  return [tell('hailo-device', { detail, fix: await installFix(system) })]
}

/** Set-up builds this with HailoRT only where it finds it. */
async function checkBuild(system: System): Promise<Finding[]> {
  if ((await system.stat(addonFile('hailo'))) !== undefined) return []
  const detail = 'hailstream was set up while HailoRT was not installed: models run on the CPU by ONNX Runtime'
  return [warning('hailo-backend', { detail, fix: await rebuildFix(system) })]
}

async function checkCard(system: System, card: Card, deviceFile: boolean): Promise<Finding[]> {
  const { address, generation } = card
  const named = `${generation.product} at ${address}`
  const trouble = (detail: string, fix: string) => [error('hailo-device', { detail: `${named}: ${detail}`, fix })]
  const driver = await readDriver(system, generation.driver)
  if (driver.state === 'absent') return trouble(...(await describeLackOfDriver(system, card)))
  if (driver.state === 'installed')
    return trouble(`its driver ${generation.driver} is not loaded`, `sudo modprobe ${generation.driver}`)
  if (!deviceFile)
    return trouble(
      `its driver ${generation.driver} is loaded, but made no ${hailoDevice}: it did not start the device`,
      `sudo modprobe -r ${generation.driver}; sudo modprobe ${generation.driver}; sudo dmesg | grep -i hailo`,
    )
  return [
    ok('hailo-device', `${named}, driver ${generation.driver} ${driver.version ?? ''}, ${hailoDevice}`),
    ...(await checkBuild(system)),
  ]
}

async function describeLackOfDriver(system: System, { generation }: Card): Promise<[detail: string, fix: string]> {
  const install = await installFix(system, generation)
  const older = generation.driver === 'hailo1x_pci' && (await readDriver(system, 'hailo_pci')).state === 'loaded'
  if (older) {
    const block = 'echo "blacklist hailo_pci" | sudo tee /etc/modprobe.d/hailo-4.conf'
    return ['it has the driver hailo_pci of HailoRT 4, which cannot start it', `${block} && ${install}`]
  }
  const sources = (await system.list('/usr/src')) ?? []
  if (sources.some((name) => name.startsWith(generation.driver) || name.startsWith('hailort-pcie-driver')))
    return [
      `its driver ${generation.driver} was not built for this kernel`,
      `sudo apt install linux-headers-$(uname -r) && sudo dkms autoinstall && sudo modprobe ${generation.driver}`,
    ]
  return [`its driver ${generation.driver} is not installed`, install]
}
