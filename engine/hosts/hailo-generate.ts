import type { HailoPrompt, NativeHailoLanguage } from '../native/hailo.ts'
import type { HailoLanguageProtocol } from './hailo-language-protocol.ts'

type Item = HailoLanguageProtocol['streams']['generate']['item']

/** Tokens as they come, then how it ended. An abort of the signal, or leaving the loop, asks for the end, and waits for it: the model is free then. */
export async function* generateTokens(
  model: NativeHailoLanguage,
  prompt: HailoPrompt,
  signal: AbortSignal,
): AsyncGenerator<Item, void, undefined> {
  if (signal.aborted) return
  const texts: string[] = []
  let wake: () => void = () => undefined
  let over = false
  const generation = model.generate(prompt, (text) => {
    texts.push(text)
    wake()
  })
  const ended = generation.done.finally(() => {
    over = true
    wake()
  })
  // Heard below, when the tokens before it were given.
  ended.catch(() => undefined)
  const abort = () => generation.abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    while (!over || texts.length > 0) {
      for (const text of texts.splice(0)) yield { text }
      if (!over && texts.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
    yield { done: await ended }
  } finally {
    signal.removeEventListener('abort', abort)
    if (!over) generation.abort()
    await ended.catch(() => undefined)
  }
}
