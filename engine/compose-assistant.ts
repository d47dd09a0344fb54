import type { Config } from './config.ts'
import type { Clock } from './core/clock.ts'
import type { ClosingStack } from './core/lifecycle.ts'
import { EngineError } from './errors.ts'
import type { Language } from './inference/language.ts'
import type { Speech } from './inference/speech.ts'
import type { PipelineSet } from './pipeline-set.ts'
import type { Hub } from './streams/hub.ts'
import { TopicReader } from './streams/topic-reader.ts'
import type { VoiceParameters } from './voice/built-in-tool.ts'
import { createBuiltInTools } from './voice/built-in-tools.ts'
import { PromptTemplate } from './voice/prompt-template.ts'
import { SceneAwareLanguage } from './voice/scene-aware-language.ts'
import type { VoiceSettings } from './voice/settings.ts'
import { offeredTools, settingsOf, withRecogniser } from './voice/voice-config.ts'
import type { VoiceTools } from './voice/voice-tools.ts'
import type { TopicResult, VoiceTopics } from './voice/voice-topics.ts'

/** What conversations need of the engine around them. */
export interface AssistantSurroundings {
  readonly config: Pick<Config, 'voice'>
  readonly hub: Hub
  readonly clock: Clock
  /** Asked when somebody talks: they may be built later. */
  readonly pipelines: () => PipelineSet
  readonly language: Language
  readonly speech: Speech
  readonly closing: ClosingStack
}

/** What whoever talks with the engine talks with, by whichever protocol. */
export interface ComposedAssistant {
  /** Knows what the cameras see where its system prompt is the configured one. */
  readonly language: Language
  /** Its recogniser is the configured one where nobody says which. */
  readonly speech: Speech
  /** The engine's own tools. */
  readonly tools: VoiceTools
  /** As conversations begin that bring none. */
  readonly settings: VoiceSettings
  /** Called once the pipelines are built. Throws `invalid` when the system prompt names a topic that there is not, unless its pipeline is broken. */
  expectTopics(): void
}

/** Makes of the configuration's section `voice` what conversations are held with. Throws `invalid` for a system prompt with a wrong name in it. */
export function composeAssistant(around: AssistantSurroundings): ComposedAssistant {
  const { config, hub, clock, pipelines, language, speech, closing } = around
  const template = new PromptTemplate(config.voice.instructions, 'configuration: voice.instructions')
  const reader = closing.use('topics that voices asked for', new TopicReader(hub))
  const topics = toVoiceTopics(hub, reader, clock)
  const parameters = toVoiceParameters(pipelines)
  return {
    language: new SceneAwareLanguage(language, template, { topics }),
    speech: withRecogniser(speech, config.voice),
    tools: createBuiltInTools({ topics, parameters, names: offeredTools(config.voice) }),
    settings: settingsOf(config.voice),
    expectTopics: () => expectTopics(template, hub, pipelines()),
  }
}

function toVoiceTopics(hub: Hub, reader: TopicReader, clock: Clock): VoiceTopics {
  return {
    list: () => hub.topics(),
    newest: async (topic, waitMs, signal): Promise<TopicResult> => {
      const message = await reader.newest(topic, waitMs, signal)
      const ageMs = Math.max(0, clock.toUnixMs(clock.now()) - message.capturedAt)
      return { ...message, source: message.frame?.stream, ageMs }
    },
  }
}

function toVoiceParameters(pipelines: () => PipelineSet): VoiceParameters {
  return {
    list: () =>
      pipelines()
        .voiceParameters()
        .map(({ name, option, tuning }) => {
          return { name, value: tuning.values[option] ?? null, schema: tuning.schemaOf(option) }
        }),
    set: (name, value) => {
      const found = pipelines()
        .voiceParameters()
        .find((parameter) => parameter.name === name)
      if (!found)
        throw new EngineError('not-found', `Expected a parameter that a pipeline lets voices change, received ${name}`)
      const { pipeline, stream, option } = found
      return pipelines().tune(pipeline, stream, { [option]: value })[option]
    },
  }
}

function expectTopics(template: PromptTemplate, hub: Hub, pipelines: PipelineSet): void {
  const known = hub.topics().map(({ topic }) => topic)
  const broken = pipelines.summary().filter(({ state }) => state === 'failed')
  for (const topic of template.topics) {
    const isBroken = broken.some(({ name }) => topic.startsWith(`${name}/`))
    if (!known.includes(topic) && !isBroken)
      throw new EngineError(
        'invalid',
        `configuration: voice.instructions: Expected a topic (${known.join(', ') || 'there is none'}), received {{topic:${topic}}}`,
      )
  }
}
