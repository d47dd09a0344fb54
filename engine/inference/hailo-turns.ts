import type { ChatMessage, LanguageTool, ToolCall } from './language.ts'

/** A picture, and what tells it from others. */
export interface TurnPicture {
  readonly digest: string
  readonly bytes: Uint8Array
}

/** A turn as the library is given it. Tool calls and answers are written out, as Qwen's chat template does. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly text: string
  readonly pictures: readonly TurnPicture[]
}

/** What the device's context holds: turns, the last of them the model's answer. */
export interface KeptContext {
  readonly turns: readonly Turn[]
  readonly tools: readonly string[]
  /** Tokens. */
  readonly used: number
}

/** The conversation as turns. */
export async function toTurns(messages: readonly ChatMessage[]): Promise<Turn[]> {
  const turns: Turn[] = []
  let previous: ChatMessage['role'] | undefined
  for (const message of messages) {
    const turn = await toTurn(message)
    const last = turns.at(-1)
    const joins = previous === message.role && (message.role === 'tool' || message.role === 'system')
    if (joins && last) turns[turns.length - 1] = { ...last, text: `${last.text}\n${turn.text}` }
    else turns.push(turn)
    previous = message.role
  }
  return turns
}

/** What the assistant said and called, written as one text. */
export function assistantText(content: string, calls: readonly Pick<ToolCall, 'name' | 'arguments'>[]): string {
  const written = calls.map(
    ({ name, arguments: given }) => `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`,
  )
  return [content.trim(), ...written].filter((part) => part !== '').join('\n')
}

/** Tools as JSON texts, in the form that Qwen's chat template takes. */
export function toToolTexts(tools: readonly LanguageTool[]): string[] {
  return tools.map(({ name, description, parameters }) =>
    JSON.stringify({ type: 'function', function: { name, ...(description && { description }), parameters } }),
  )
}

/**
 * The turns that the context lacks; undefined where it holds something else. A system message, and tools, can only be given to an empty
 * one.
 */
export function lackingTurns(
  kept: KeptContext,
  turns: readonly Turn[],
  tools: readonly string[],
): readonly Turn[] | undefined {
  const lacking = turns.slice(kept.turns.length)
  const holds =
    kept.turns.every((turn, i) => isSame(turn, turns[i])) &&
    tools.length === kept.tools.length &&
    tools.every((tool, i) => tool === kept.tools[i])
  return holds && lacking.length > 0 && lacking.every(({ role }) => role !== 'system') ? lacking : undefined
}

/** JSON texts as the library takes them. A vision model is given lists of texts and pictures. */
export function toMessageTexts(turns: readonly Turn[], sees: boolean): string[] {
  return turns.map(({ role, text, pictures }) => {
    const content = [...pictures.map(() => ({ type: 'image' })), { type: 'text', text }]
    return JSON.stringify({ role, content: sees ? content : text })
  })
}

/** As a template writes it, for counting: one like it is in all models for chat, and differs by a few tokens a turn. */
export function toCountedText(turns: readonly Turn[], tools: readonly string[]): string {
  const written = turns.map(({ role, text }) => `<|im_start|>${role}\n${text}<|im_end|>\n`)
  return `${tools.map((tool) => `${tool}\n`).join('')}${written.join('')}<|im_start|>assistant\n`
}

async function toTurn(message: ChatMessage): Promise<Turn> {
  const { role, content, images = [], toolCalls = [] } = message
  const pictures = await Promise.all(images.map(toPicture))
  if (role === 'tool') return { role: 'user', text: `<tool_response>\n${content}\n</tool_response>`, pictures }
  return { role, text: role === 'assistant' ? assistantText(content, toolCalls) : content, pictures }
}

/** Off this thread: pictures have megabytes. */
async function toPicture(bytes: Uint8Array): Promise<TurnPicture> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return { digest: Buffer.from(digest).toString('hex'), bytes }
}

function isSame(kept: Turn, turn: Turn | undefined): boolean {
  return (
    turn !== undefined &&
    kept.role === turn.role &&
    kept.text === turn.text &&
    kept.pictures.length === turn.pictures.length &&
    kept.pictures.every(({ digest }, i) => digest === turn.pictures[i]?.digest)
  )
}
