import { z } from 'zod'
import { soundFormats, soundTypes } from '../../audio/encode-sound.ts'
import type { Contents, Operation, RouteGroup } from '../operation.ts'
import { speechSchema } from './speech-request.ts'
import { transcriptionSchema, translationSchema } from './transcription-request.ts'

const usage = z.strictObject({ type: z.literal('duration'), seconds: z.number() })
const segment = z.looseObject({ id: z.number().int(), start: z.number(), end: z.number(), text: z.string() })
const word = z.strictObject({ word: z.string(), start: z.number(), end: z.number() })

/** What a transcription is answered as JSON: `json`, or with more by `verbose_json`. */
export const transcriptSchema = z.strictObject({
  text: z.string(),
  usage,
  task: z.enum(['transcribe', 'translate']).optional(),
  language: z.string().nullable().optional(),
  duration: z.number().optional().describe('Seconds'),
  segments: z.array(segment).optional(),
  words: z.array(word).optional(),
})

const failureSchema = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable().describe('The field that is wrong'),
    code: z.string().nullable(),
  }),
})

const texts: Contents = {
  'application/json': { schema: transcriptSchema },
  'text/plain': {},
  'application/x-subrip': {},
  'text/vtt': {},
}
const sounds: Contents = Object.fromEntries(soundFormats.map((format) => [soundTypes[format], {}]))
const failures = [400, 404, 413, 415, 503]

const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/audio/transcriptions',
    summary: 'Speech to text',
    detail: 'Fields that are lists come as timestamp_granularities[], once per item.',
    body: { 'multipart/form-data': { schema: transcriptionSchema.extend({ file: z.file() }) } },
    answers: {
      200: { summary: 'What was said, in the response_format', content: { ...texts, 'text/event-stream': {} } },
    },
    failures,
  },
  {
    method: 'post',
    path: '/v1/audio/translations',
    summary: 'Speech of any language to English text',
    body: { 'multipart/form-data': { schema: translationSchema.extend({ file: z.file() }) } },
    answers: { 200: { summary: 'What was said, in the response_format', content: texts } },
    failures,
  },
  {
    method: 'post',
    path: '/v1/audio/speech',
    summary: 'Text to speech, sent while it is made',
    body: {
      'application/json': { schema: speechSchema, example: { input: 'Hello there.', response_format: 'wav' } },
    },
    answers: {
      200: {
        summary: 'Sound; the header hailstream-voice names the voice',
        content: { ...sounds, 'text/event-stream': {} },
      },
    },
    failures: [400, 404, 503],
  },
]

/** OpenAI's API for speech. */
export const audioGroup: RouteGroup = {
  name: 'OpenAI: speech',
  failure: { name: 'OpenAiSpeechFailure', schema: failureSchema },
  operations,
}
