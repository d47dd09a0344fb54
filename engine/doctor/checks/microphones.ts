import type { Config } from '../../config.ts'
import { Accounts, hasRights, joinGroupFix } from '../accounts.ts'
import { configuredStreams } from '../configured.ts'
import { error, type Finding, ok, warning } from '../finding.ts'
import type { System } from '../system.ts'

const readWrite = 6

/** ALSA's inputs and their rights, and whether PipeWire is there. What no pipeline uses is no reason to warn. */
export async function checkMicrophones(system: System, config: Config): Promise<Finding[]> {
  const wanted = configuredStreams(config).some((stream) => 'source' in stream && stream.source === 'microphone')
  const inputs = findInputs((await system.read('/proc/asound/pcm')) ?? '')
  if (inputs.length === 0) {
    const fix = 'Plug a USB microphone in, and look for it with: cat /proc/asound/cards'
    return wanted
      ? [error('microphones', { detail: 'No microphone, and a pipeline asks for one', fix })]
      : [ok('microphones', 'none found, and no pipeline asks for one')]
  }
  const accounts = await Accounts.read(system)
  const findings: Finding[] = []
  for (const { name, path } of inputs) findings.push(...(await checkRights(system, accounts, { name, path, wanted })))
  const pipewire = (await system.stat(`/run/user/${accounts.caller().uid}/pipewire-0`)) !== undefined
  const named = inputs.map(({ name, path }) => `${name} (${path})`).join(', ')
  return findings.length > 0 ? findings : [ok('microphones', `${named}${pipewire ? '; PipeWire runs' : ''}`)]
}

interface Input {
  readonly name: string
  readonly path: string
}

/** Of lines like `01-00: USB Audio : USB Audio : playback 1 : capture 1`. */
function findInputs(text: string): Input[] {
  return text.split('\n').flatMap((line) => {
    const [, card, device, name] = /^(\d+)-(\d+): ([^:]+?) : .*\bcapture \d/.exec(line) ?? []
    if (card === undefined || name === undefined) return []
    return [{ name, path: `/dev/snd/pcmC${Number(card)}D${Number(device)}c` }]
  })
}

async function checkRights(system: System, accounts: Accounts, input: Input & { wanted: boolean }): Promise<Finding[]> {
  const device = await system.stat(input.path)
  if (device === undefined) return []
  const tell = input.wanted ? error : warning
  const group = accounts.groupName(device.gid)
  return accounts
    .engineUsers()
    .filter((person) => !hasRights(device, person, readWrite))
    .map((person) => {
      const detail = `${person.name} may not use ${input.name} (${input.path}, group ${group})`
      return tell('microphones', { detail, fix: joinGroupFix(person, group) })
    })
}
