import { z } from 'zod'
import { EngineError } from '../errors.ts'
import type { LanguageTool, ToolCall } from '../inference/language.ts'
import type { BuiltInTool, BuiltInToolName, VoiceParameters } from './built-in-tool.ts'
import { ageInWords } from './counted.ts'
import { describeScene } from './scene.ts'
import { parameterTool } from './set-parameter.ts'
import type { VoiceTools } from './voice-tools.ts'
import type { TopicResult, VoiceTopics } from './voice-topics.ts'

/** A camera and its models may have to be opened first. */
const lookWaitMs = 4000
/** Characters of a value; a message of many objects is cut. */
const longestValue = 2000
const mostObjects = 20

/** What the tools ask. */
export interface BuiltInToolsOptions {
  readonly topics: VoiceTopics
  readonly parameters: VoiceParameters
  /** Those that are offered. */
  readonly names: readonly BuiltInToolName[]
}

/** The engine's own tools: what the cameras see, any topic's latest value, and a change of what pipelines let voices change. */
export function createBuiltInTools(options: BuiltInToolsOptions): VoiceTools {
  return {
    // Each time anew, since pipelines come and go.
    get tools() {
      return offer(options).map(toLanguageTool)
    },
    call: async (call, signal) => {
      const offered = offer(options)
      const tool = offered.find(({ name }) => name === call.name)
      if (tool) return tool.call(readArguments(tool, call), signal)
      const names = offered.map(({ name }) => name).join(', ') || 'there are none'
      throw new EngineError('not-found', `Expected a tool (${names}), received ${call.name}`)
    },
  }
}

function offer({ topics, parameters, names }: BuiltInToolsOptions): BuiltInTool[] {
  const all = [lookTool(topics), latestValueTool(topics), ...parameterTool(parameters)]
  return all.filter(({ name }) => names.includes(name))
}

const lookOptions = z.strictObject({ stream: z.string().min(1).optional().describe('Only this stream or pipeline') })

function lookTool(topics: VoiceTopics): BuiltInTool {
  return {
    name: 'look',
    description: 'What the cameras see right now: which objects and people, and how many.',
    options: lookOptions,
    call: (options, signal) => {
      const { stream } = options as z.output<typeof lookOptions>
      return describeScene(topics, { of: stream, waitMs: lookWaitMs }, signal)
    },
  }
}

const latestValueOptions = z.strictObject({ topic: z.string().min(1).describe('As pipeline/stream') })

function latestValueTool(topics: VoiceTopics): BuiltInTool {
  const readable = topics.list().filter(({ kind }) => ['objects', 'text', 'event'].includes(kind))
  const known = readable.map(({ topic }) => topic).join(', ') || 'none'
  return {
    name: 'latest_value',
    description: `The newest result of a topic, as JSON. Topics: ${known}.`,
    options: latestValueOptions,
    call: async (options, signal) => {
      const { topic } = options as z.output<typeof latestValueOptions>
      return tellValue(await topics.newest(topic, lookWaitMs, signal))
    },
  }
}

/** A value in few characters: masks and skeletons mean nothing to a language model. */
export function tellValue({ ageMs, objects, text, event }: TopicResult): string {
  const seen = objects?.slice(0, mostObjects).map(({ id, label, confidence, bbox, identity, text: read }) => {
    return { id, label, confidence, bbox, identity, text: read }
  })
  const value = JSON.stringify(seen ?? text?.text ?? event ?? null)
  const cut = value.length > longestValue ? `${value.slice(0, longestValue)}… (cut)` : value
  const more = (objects?.length ?? 0) > mostObjects ? ` and ${(objects?.length ?? 0) - mostObjects} more` : ''
  return `${ageInWords(ageMs)}: ${cut}${more}`
}

function toLanguageTool({ name, description, options }: BuiltInTool): LanguageTool {
  const { $schema: _, ...parameters } = z.toJSONSchema(options, { io: 'input' })
  return { name, description, parameters }
}

/** What a model leaves empty it means to leave out. */
function readArguments({ name, options }: BuiltInTool, call: ToolCall): unknown {
  const given = Object.entries(call.arguments).filter(([, value]) => value !== '' && value !== null)
  const parsed = options.safeParse(Object.fromEntries(given))
  if (parsed.success) return parsed.data
  const told = parsed.error.issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')
  throw new EngineError('invalid', `${name}: ${told}`)
}
