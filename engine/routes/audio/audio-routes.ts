import { Hono } from 'hono'
import { describeRoutes } from '../operation.ts'
import { answerFailure, refuseMethod } from './error-body.ts'
import { audioGroup } from './operations.ts'
import { answerSpeech } from './speech.ts'
import { readTranscription, readTranslation } from './transcription-request.ts'
import { answerTranscription, type RecognitionParts } from './transcriptions.ts'

/** Paths here whose bodies are files: the server hands them over while they arrive. */
export const audioUploadPaths = ['/v1/audio/transcriptions', '/v1/audio/translations'] as const

/** OpenAI's `POST /v1/audio/transcriptions`, `/v1/audio/translations` and `/v1/audio/speech`. */
export function audioRoutes(parts: RecognitionParts): Hono {
  const app = new Hono().onError((error) => {
    const answer = answerFailure(error)
    if (answer === undefined) throw error
    return answer
  })
  app.post('/v1/audio/transcriptions', ({ req }) => answerTranscription(parts, req.raw, readTranscription))
  app.post('/v1/audio/translations', ({ req }) => answerTranscription(parts, req.raw, readTranslation))
  app.post('/v1/audio/speech', ({ req }) => answerSpeech(parts.speech.synthesiser, req.raw))
  for (const path of [...audioUploadPaths, '/v1/audio/speech']) app.all(path, ({ req }) => refuseMethod(req.method))
  return describeRoutes(app, audioGroup)
}
