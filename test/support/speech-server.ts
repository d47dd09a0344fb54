import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { expect } from 'vitest'
import { AudioDecoder } from '../../engine/audio/audio-decoder.ts'
import { joinRoutes } from '../../engine/routes/answer.ts'
import { audioRoutes, audioUploadPaths } from '../../engine/routes/audio/audio-routes.ts'
import { houseSpeechRoutes, houseUploadPaths } from '../../engine/routes/house-speech.ts'
import { ScriptedSpeech } from './scripted-speech.ts'
import { startServer } from './server.ts'
import { until } from './wait.ts'

/** What routes of speech are made with. */
export interface SpeechParts {
  readonly speech: ScriptedSpeech
  readonly decoder: AudioDecoder
  readonly uploads: string
}

/** A real server with the routes of speech over a scripted `Speech`. Its end fails the test when a loop, samples or a file are left. */
export async function startSpeechServer(more: (parts: SpeechParts) => readonly Hono[] = () => []) {
  const folder = await mkdtemp(join(tmpdir(), 'hailstream-speech-'))
  const parts = { speech: new ScriptedSpeech(), decoder: new AudioDecoder(), uploads: join(folder, 'uploads') }
  const routes = joinRoutes([audioRoutes(parts), houseSpeechRoutes(parts), ...more(parts)])
  const uploadPaths = new Set<string>([...audioUploadPaths, ...houseUploadPaths])
  const { server, url } = await startServer({ fetch: routes.fetch, uploadPaths })
  const { loops } = parts.speech
  return {
    ...parts,
    server,
    url,
    folder,
    async [Symbol.asyncDispose]() {
      await until('the end of all loops', () => loops.begun === loops.ended)
      await until('the release of all samples', () => parts.decoder.heldBytes === 0)
      await server.close()
      expect(await readdir(parts.uploads).catch(() => [])).toEqual([])
      await rm(folder, { recursive: true })
    },
  }
}

export type SpeechServer = Awaited<ReturnType<typeof startSpeechServer>>
