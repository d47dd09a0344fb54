import { EngineError } from '../errors.ts'
import type { LanguageCapabilities, LanguageModelStatus, LanguageRequest } from './language.ts'

/** The model cannot do what was asked, whatever the backend would say. */
export class Incapable extends EngineError {
  readonly lacking: keyof LanguageCapabilities

  constructor(model: string, lacking: keyof LanguageCapabilities) {
    super('invalid', `"${model}" does not support ${words[lacking]}`)
    this.lacking = lacking
  }
}

const words: Readonly<Record<keyof LanguageCapabilities, string>> = {
  vision: 'vision: expected no images',
  tools: 'tools',
  thinking: 'thinking',
  schema: 'format: its answers cannot be constrained to JSON here',
  completion: 'generate: it continues no text without a conversation',
  embedding: 'embeddings',
  chat: 'chat: it only continues text',
}

/** Refuses, before anything is loaded, what the model cannot do. `asked` is the name that the client knows. Throws `Incapable`. */
export function expectCapable(
  asked: string,
  { capabilities }: Pick<LanguageModelStatus, 'capabilities'>,
  request: LanguageRequest,
): void {
  const lacking = needs(request).find((need) => !capabilities[need])
  if (lacking !== undefined) throw new Incapable(asked, lacking)
}

function needs({ input, tools = [], format, think }: LanguageRequest): (keyof LanguageCapabilities)[] {
  const images = 'messages' in input ? input.messages.flatMap((message) => message.images ?? []) : (input.images ?? [])
  const needed: [keyof LanguageCapabilities, boolean][] = [
    ['messages' in input ? 'chat' : 'completion', true],
    ['vision', images.length > 0],
    ['tools', tools.length > 0],
    ['schema', format !== undefined],
    ['thinking', think === true],
  ]
  return needed.flatMap(([need, isNeeded]) => (isNeeded ? [need] : []))
}
