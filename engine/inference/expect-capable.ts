import { EngineError } from '../errors.ts'
import type { LanguageCapabilities, LanguageRequest } from './language.ts'

/** Throws `invalid` for what the model cannot do, naming it. */
export function expectCapable(request: LanguageRequest, capabilities: LanguageCapabilities, name: string): void {
  const { input, tools = [], format, think } = request
  const isChat = 'messages' in input
  if (!isChat && (tools.length > 0 || think !== undefined))
    throw new EngineError(
      'invalid',
      'Expected tools and thoughts with a conversation, received them with a text to go on with',
    )
  const needs: readonly (readonly [boolean, keyof LanguageCapabilities, string])[] = [
    [isChat, 'chat', 'conversations'],
    [!isChat, 'completion', 'to go on with a text'],
    [hasImages(input), 'vision', 'images'],
    [tools.length > 0, 'tools', 'tools'],
    [think === true, 'thinking', 'to think aloud'],
    [format !== undefined, 'schema', 'a format'],
  ]
  const lacking = needs.find(([isAsked, capability]) => isAsked && !capabilities[capability])
  if (lacking)
    throw new EngineError('invalid', `Expected a model that can do with ${lacking[2]}, but ${name} cannot. Ask another`)
}

function hasImages(input: LanguageRequest['input']): boolean {
  if ('prompt' in input) return (input.images ?? []).length > 0
  return input.messages.some(({ images = [] }) => images.length > 0)
}
