import type { Config } from '../../config.ts'
import { type Finding, ok, warning } from '../finding.ts'
import { type Card, findCards } from '../hailo.ts'
import { isRaspberryPi } from '../machine.ts'
import type { System } from '../system.ts'

const bootConfig = '/boot/firmware/config.txt'
const reseat = 'Switch off, seat the card and its PCIe cable anew, then start'
/** GT/s of the generations 1 to 5. */
const speeds = [2.5, 5, 8, 16, 32]

/** Whether the link to each accelerator runs at the card's speed; it has as many lanes as the board gives it. */
export async function checkPcie(system: System, { hailo }: Config): Promise<Finding[]> {
  if (hailo.enabled === false) return []
  return Promise.all((await findCards(system)).map((card) => checkLink(system, card)))
}

async function checkLink(system: System, { folder, address }: Card): Promise<Finding> {
  const read = async (name: string) => Number.parseFloat((await system.read(`${folder}/${name}`)) ?? '')
  const [speed, most] = [await read('current_link_speed'), await read('max_link_speed')]
  const lanes = `${await read('current_link_width')} of ${await read('max_link_width')} lanes`
  if (Number.isNaN(speed)) return ok('pcie', `${address}: the kernel does not tell its speed`)
  const told = `${address}: PCIe generation ${generationOf(speed)} (${speed} GT/s), ${lanes}`
  if (!(speed < most)) return ok('pcie', told)
  const detail = `${told}; the card can generation ${generationOf(most)}, and large outputs need it`
  return warning('pcie', { detail, fix: await raiseFix(system) })
}

async function raiseFix(system: System): Promise<string> {
  if (!(await isRaspberryPi(system))) return `${reseat}; if it stays, use a slot of the card’s generation`
  const wanted = /^\s*dtparam=pciex1_gen=3\s*$/m.test((await system.read(bootConfig)) ?? '')
  // The file's sections hold until the next one begins.
  return wanted ? reseat : `printf '\\n[all]\\ndtparam=pciex1_gen=3\\n' | sudo tee -a ${bootConfig} && sudo reboot`
}

function generationOf(speed: number): number {
  return speeds.indexOf(speed) + 1
}
