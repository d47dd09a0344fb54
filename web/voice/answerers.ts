/** What the page reads of `/api/health`. */
export interface VoiceHealth {
  readonly models: readonly {
    readonly name: string
    readonly task: string
    readonly backend: string
    readonly state: string
    readonly why: string
  }[]
  readonly devices: Readonly<Record<string, { readonly simulated?: boolean }>>
  readonly tls: { readonly port: number } | null
}

/** Who answers, as the session names them. */
export interface Answerers {
  readonly model: string | undefined
  readonly voice: string | undefined
}

/** Sentences on who hears, answers and speaks, and how well. */
export function describeAnswerers({ model, voice }: Answerers, health: VoiceHealth): string {
  const hears = ready(health, 'transcribe')
  const thinks = health.models.find(({ name }) => name === model)
  const speaks = ready(health, 'speak')
  const parts = [
    hears && `heard by ${hears.name}${ranBy(hears, health)}`,
    model && `answered by ${model}${thinks ? ranBy(thinks, health) : ''}`,
    (voice ?? speaks?.name) && `spoken by ${voice ?? speaks?.name}${speaks ? ranBy(speaks, health) : ''}`,
  ].filter((part) => part !== undefined && part !== '')
  const joined = parts.join(', ')
  const first = joined === '' ? '' : `${joined.charAt(0).toUpperCase()}${joined.slice(1)}.`
  const isLow = hears?.why.includes('accuracy is low') === true
  return isLow ? `${first} ${hears.name} understands much wrong: pull a Whisper model for a better one.` : first
}

/** The best that is here: the engine lists them in that order. */
function ready(health: VoiceHealth, task: string): VoiceHealth['models'][number] | undefined {
  return health.models.find((model) => model.task === task && (model.state === 'available' || model.state === 'loaded'))
}

function ranBy({ name, backend }: VoiceHealth['models'][number], { devices }: VoiceHealth): string {
  if (backend === 'hailo' && devices.hailo?.simulated === true) return ' (simulated)'
  return backend === name ? '' : ` (${backend})`
}
