import { join } from 'node:path'
import type { Hono } from 'hono'
import { AudioDecoder } from './audio/audio-decoder.ts'
import { type ComposedJobs, composeJobs, type JobsSurroundings } from './compose-jobs.ts'
import type { Language } from './inference/language.ts'
import type { ModelLibrary } from './inference/model-library.ts'
import type { Speech } from './inference/speech.ts'
import type { Vision } from './inference/vision.ts'
import { languageWork } from './jobs/language-work.ts'
import { transcriptionWork } from './jobs/transcription-work.ts'
import { visionWork } from './jobs/vision-work.ts'
import { audioRoutes, audioUploadPaths } from './routes/audio/audio-routes.ts'
import type { RecognitionParts } from './routes/audio/transcriptions.ts'
import { houseSpeechRoutes, houseUploadPaths } from './routes/house-speech.ts'
import { jobRoutes, jobUploadPaths } from './routes/jobs/job-routes.ts'
import { piperRoutes } from './routes/piper.ts'
import { speechAliasRoutes } from './routes/speech-aliases.ts'
import { vlmRoutes } from './routes/vlm.ts'

/** What speech, jobs and questions about pictures need of the engine around them. */
export interface HouseSurroundings extends Omit<JobsSurroundings, 'workers'> {
  readonly vision: Vision
  /** Undefined: there is none, and what would ask it is not there, or is refused as `unavailable`. */
  readonly language: Language | undefined
  readonly speech: Speech | undefined
  /** Brings voices. */
  readonly library: ModelLibrary
}

/** The house's own routes, and how its queue of jobs is. */
export interface ComposedHouse {
  readonly routes: readonly Hono[]
  readonly jobs: ComposedJobs['health']
}

/** Paths whose forms hold large files: the server hands them over while they arrive. */
export const uploadPaths: ReadonlySet<string> = new Set([...audioUploadPaths, ...houseUploadPaths, ...jobUploadPaths])

/** Starts the queue of jobs, and builds the routes of jobs, of speech, and of questions about pictures. */
export function composeHouse({ vision, language, speech, library, ...around }: HouseSurroundings): ComposedHouse {
  const uploads = join(around.state, 'uploads')
  const decoder = new AudioDecoder()
  const workers = {
    vision: visionWork(vision),
    ...(language && { language: languageWork(language) }),
    ...(speech && { transcription: transcriptionWork(speech, decoder, uploads) }),
  }
  const { queue, health: jobs } = composeJobs({ ...around, workers })
  const routes = [
    jobRoutes({ queue, uploads, vision, language, speech }),
    ...(language ? [vlmRoutes(language)] : []),
    ...(speech ? speechRoutes({ speech, decoder, uploads }, library) : []),
  ]
  return { routes, jobs }
}

function speechRoutes(parts: RecognitionParts, library: ModelLibrary): Hono[] {
  const { speech } = parts
  const piper = piperRoutes({ synthesiser: speech.synthesiser, library })
  return [audioRoutes(parts), houseSpeechRoutes(parts), speechAliasRoutes(speech), piper]
}
