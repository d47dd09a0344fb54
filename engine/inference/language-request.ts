import { EngineError } from '../errors.ts'
import type { LanguageCapabilities, LanguageRequest } from './language.ts'

/** Throws `invalid` for what the model cannot do: nothing that was asked for is passed over in silence. */
export function checkRequest(name: string, can: LanguageCapabilities, request: LanguageRequest): void {
  const { input, tools = [], format, think } = request
  const asks: readonly (readonly [asked: boolean, able: boolean, what: string])[] = [
    ['messages' in input, can.chat, 'conversations'],
    ['prompt' in input, can.completion, 'text that it goes on with as it stands'],
    [hasImages(request), can.vision, 'images'],
    [tools.length > 0, can.tools, 'tools'],
    [format !== undefined, can.schema, 'a format: its backend cannot hold an answer to a grammar'],
    [think === true, can.thinking, 'think: it does not think aloud'],
  ]
  const refused = asks.find(([asked, able]) => asked && !able)
  if (refused) throw new EngineError('invalid', `Expected a model that takes ${refused[2]}; ${name} does not`)
}

function hasImages({ input }: LanguageRequest): boolean {
  if ('prompt' in input) return (input.images ?? []).length > 0
  return input.messages.some(({ images = [] }) => images.length > 0)
}
