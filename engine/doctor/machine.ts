import type { System } from './system.ts'

/** The board's name by the device tree, as `Raspberry Pi 5 Model B Rev 1.1`; undefined on a PC. */
export async function boardModel(system: System): Promise<string | undefined> {
  const model = (await system.read('/proc/device-tree/model'))?.replaceAll('\0', '').trim()
  return model === '' ? undefined : model
}

/** Whether this is a Raspberry Pi, whose firmware files lie in /boot/firmware. */
export async function isRaspberryPi(system: System): Promise<boolean> {
  return (await boardModel(system))?.startsWith('Raspberry Pi') ?? false
}

/** Whether systemd runs this machine. */
export async function hasSystemd(system: System): Promise<boolean> {
  return (await system.stat('/run/systemd/system')) !== undefined
}
