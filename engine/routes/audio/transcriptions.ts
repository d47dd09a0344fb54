import type { AudioDecoder, DecodedAudio } from '../../audio/audio-decoder.ts'
import { recognise, recogniseAll, textOf } from '../../audio/recognise.ts'
import type { Recogniser, Speech, SpokenSegment } from '../../inference/speech.ts'
import { beginBody, eventStreamHeaders, serverEvent } from '../stream-body.ts'
import { type Form, readForm, type UploadedFile } from '../upload.ts'
import { describeFailure, InvalidField, naming } from './error-body.ts'
import { answerTranscript, usageOf } from './transcript.ts'
import type { TranscriptionRequest } from './transcription-request.ts'

/** What recognising uploads needs. */
export interface RecognitionParts {
  readonly speech: Speech
  readonly decoder: AudioDecoder
  /** Where uploads lie while they are decoded. */
  readonly uploads: string
}

/** One file a request, as large as the server lets in. */
const limits = { maxFileBytes: 104_857_600, maxFiles: 1 }

/** Answers one request; `read` turns the form's fields into what is asked. */
export async function answerTranscription(
  parts: RecognitionParts,
  request: Request,
  read: (form: Form) => TranscriptionRequest,
): Promise<Response> {
  const { asked, recogniser, audio } = await receive(parts, request, read)
  const { seconds } = audio
  const { options } = asked
  const hear = async () => {
    if (!asked.stream)
      return answerTranscript(asked, {
        segments: await recogniseAll(recogniser, audio, options, request.signal),
        seconds,
      })
    const events = toEvents(recognise(recogniser, audio, options, request.signal), seconds)
    return new Response(await beginBody(events), { headers: eventStreamHeaders })
  }
  // All else was looked at before: what a recogniser refuses of the options by itself is its prompt.
  const response = await (options.prompt === undefined ? hear() : naming('prompt', hear))
  response.headers.set('hailstream-model', recogniser.name)
  response.headers.set('hailstream-backend', recogniser.backend)
  if (recogniser.simulated) response.headers.set('hailstream-simulated', 'true')
  return response
}

interface Received {
  readonly asked: TranscriptionRequest
  readonly recogniser: Recogniser
  readonly audio: DecodedAudio
}

async function receive(
  { speech, decoder, uploads }: RecognitionParts,
  request: Request,
  read: (form: Form) => TranscriptionRequest,
): Promise<Received> {
  const form = await readForm(request, uploads, limits)
  try {
    const file = fileOf(form)
    const asked = read(form)
    const recogniser = await naming('model', () => speech.recogniser(asked.model))
    expectAble(recogniser, asked)
    return { asked, recogniser, audio: await decoder.decode(file.fd, request.signal) }
  } finally {
    await form[Symbol.asyncDispose]()
  }
}

function fileOf({ files, fields }: Form): UploadedFile {
  const [file] = files
  if (file?.field !== 'file')
    throw new InvalidField(
      'file',
      `Expected the audio as a file in the field file, received ${file?.field ?? namesOf(fields)}`,
    )
  if (file.bytes === 0) throw new InvalidField('file', 'Expected audio in the field file, received 0 bytes')
  return file
}

function namesOf(fields: Form['fields']): string {
  return `no file; fields: ${fields.map(([name]) => name).join(', ') || 'none'}`
}

/** Before any work is done. */
function expectAble({ name, languages, translates }: Recogniser, { options }: TranscriptionRequest): void {
  const { language, translate } = options
  if (translate && !translates) throw new InvalidField('model', `Expected a model that translates; ${name} does not`)
  if (language === undefined || languages === 'any' || languages.includes(language)) return
  throw new InvalidField(
    'language',
    `Expected one of the languages of ${name} (${languages.join(', ')}), received ${language}`,
  )
}

/** Each segment's text as a delta, then all of it. A failure in between is an event too. */
async function* toEvents(segments: AsyncIterable<SpokenSegment>, seconds: number): AsyncGenerator<Uint8Array> {
  const heard: SpokenSegment[] = []
  let begun = false
  try {
    for await (const segment of segments) {
      const before = textOf(heard)
      heard.push(segment)
      const delta = textOf(heard).slice(before.length)
      if (delta === '') continue
      begun = true
      yield serverEvent({ type: 'transcript.text.delta', delta })
    }
  } catch (error) {
    const body = describeFailure(error)
    if (!begun || body === undefined) throw error
    yield serverEvent(body)
    return
  }
  yield serverEvent({ type: 'transcript.text.done', text: textOf(heard), usage: usageOf(seconds) })
}
