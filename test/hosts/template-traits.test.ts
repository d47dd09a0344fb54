import { describe, expect, it } from 'vitest'
import { ChatTemplate } from '../../engine/hosts/llama-template.ts'
import { readTraits } from '../../engine/hosts/template-traits.ts'

/** As Qwen's: tools in the system message, calls in tags, thoughts that can be turned off. */
const tagged = `{%- if tools %}<|im_start|>system
Tools: {% for tool in tools %}{{ tool | tojson }}
{% endfor %}Answer with <tool_call>{"name": …, "arguments": …}</tool_call>.<|im_end|>
{% endif %}{%- for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}
{%- if message.tool_calls %}{% for call in message.tool_calls -%}
<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}{% else %}
{{ message.content }}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% endif %}{% endif %}`
const question = { tools: [], think: null }
const user = { role: 'user', content: 'Time?' } as const
const clock = { name: 'clock', description: 'Tells the time.', parameters: { type: 'object' } }

describe('the traits of a chat template', () => {
  it('are read from its words', () => {
    expect(readTraits(tagged)).toEqual({ tools: 'tags', thinking: true })
    const llama = '{% if tools %}Environment: ipython {"name": n, "parameters": p}{% endif %}'
    expect(readTraits(llama)).toEqual({ tools: 'bare', thinking: false })
    const past = '{% for call in message.tool_calls %}<tool_call>{% endfor %}</think>'
    expect(readTraits(past)).toEqual({ tools: null, thinking: true })
    expect(readTraits('{% if tools %}[AVAILABLE_TOOLS]{% endif %}')).toEqual({ tools: null, thinking: false })
    expect(readTraits(null)).toEqual({ tools: null, thinking: false })
  })
})

describe('a chat template', () => {
  const template = new ChatTemplate(tagged, { bos: '<s>', eos: '</s>' })

  it('lays a conversation out up to where the model goes on', () => {
    const calls = [{ id: 'a', name: 'clock', arguments: { zone: 'UTC' } }]
    const messages = [
      user,
      { role: 'assistant', content: '', toolCalls: calls },
      { role: 'tool', content: '12:00' },
    ] as const
    expect(template.render(messages, question)).toBe(`<|im_start|>user
Time?<|im_end|>
<|im_start|>assistant
<tool_call>{"name": "clock", "arguments": {"zone": "UTC"}}</tool_call><|im_end|>
<|im_start|>tool
12:00<|im_end|>
<|im_start|>assistant
`)
  })

  it('is given the tools, and whether to think', () => {
    const text = template.render([user], { tools: [clock], think: false })
    expect(text).toContain('{"type": "function", "function": {"name": "clock", "description": "Tells the time."')
    expect(text).toMatch(/assistant\n<think>\n\n<\/think>\n\n$/)
    expect(template.render([user], { tools: [], think: true })).toMatch(/assistant\n$/)
  })

  it('that always begins with thoughts goes on after empty ones when there are to be none', () => {
    const always = new ChatTemplate('{{ messages[0].content }}<think>\n{# </think> #}', { bos: '', eos: '' })
    expect(always.render([user], question)).toBe('Time?<think>\n')
    expect(always.render([user], { tools: [], think: false })).toBe('Time?<think>\n\n</think>\n\n')
  })

  it('that cannot be read refuses every conversation', () => {
    const broken = new ChatTemplate('{% for %}', { bos: '', eos: '' })
    expect(() => broken.render([user], question)).toThrow(/chat template takes/)
  })
})
