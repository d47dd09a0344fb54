/** How a model writes a call of a tool: in `<tool_call>` tags as Hermes and Qwen, or as bare JSON as Llama 3. */
export type ToolFormat = 'tags' | 'bare'

/** What a chat template is made for. */
export interface TemplateTraits {
  /** null: it knows no tools, or writes their calls in a way that is not read here. */
  readonly tools: ToolFormat | null
  /** The model may think aloud, between `<think>` and `</think>`. */
  readonly thinking: boolean
}

/** What a chat template is made for, by the words in it. */
export function readTraits(template: string | null): TemplateTraits {
  if (template === null) return { tools: null, thinking: false }
  return { tools: readToolFormat(template), thinking: template.includes('</think>') }
}

function readToolFormat(template: string): ToolFormat | null {
  // A template that only repeats calls of the past never tells the model which tools there are.
  if (!/\btools\b/.test(template)) return null
  if (template.includes('<tool_call>')) return 'tags'
  if (template.includes('"parameters"') && /python_tag|ipython/.test(template)) return 'bare'
  return null
}
