import { getJson } from '../server-api.ts'
import { ReconnectingSocket, type SocketState } from '../socket.ts'
import { element } from '../view.ts'
import { describeAnswerers, type VoiceHealth } from './answerers.ts'
import { Sound } from './sound.ts'
import { type VoiceMode, VoiceSession, type VoiceState } from './voice-session.ts'
import {
  showAnswerers,
  showControls,
  showLevel,
  showLines,
  showPressed,
  showSecureAddress,
  showTimes,
} from './voice-view.ts'

const invitation = 'Talk with this engine: it hears you and answers aloud.'
const words: Readonly<Record<VoiceState, string>> = {
  connecting: 'Connecting…',
  listening: 'Listening',
  hearing: 'Hearing you…',
  thinking: 'Thinking…',
  speaking: 'Speaking',
}
/** More sound than 10 s that the network has not taken means that it never will. */
const maxBufferedBytes = 640_000

/** The buttons to talk with the engine, and what is said. */
export class VoicePanel {
  readonly #url: string
  #mode: VoiceMode = 'hands-free'
  #sound: Sound | undefined
  #socket: ReconnectingSocket | undefined
  #session: VoiceSession | undefined
  #health: VoiceHealth | undefined
  #conversationId: string | undefined
  /** Counts starts and stops: what an earlier start waited for comes to nothing. */
  #attempt = 0
  #on = false
  #error = ''
  #isDrawing = false

  constructor(url: string) {
    this.#url = url
    element('voice-start').addEventListener('click', () => (this.#on ? this.#stop() : void this.#start()))
    element('voice-interrupt').addEventListener('click', () => void this.#session?.interrupt())
    for (const box of document.getElementsByName('voice-mode'))
      box.addEventListener('change', () => this.#choose((box as HTMLInputElement).value as VoiceMode))
    this.#listenToHold(element('voice-hold'))
    this.#draw()
  }

  /** Pointer, space bar and return key alike; a finger that slides off lets go. */
  #listenToHold(button: HTMLElement): void {
    const press = () => this.#press(true)
    const release = () => this.#press(false)
    button.addEventListener('pointerdown', (event) => {
      button.setPointerCapture(event.pointerId)
      press()
    })
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur'])
      button.addEventListener(end, release)
    button.addEventListener('contextmenu', (event) => event.preventDefault())
    button.addEventListener('keydown', ({ key, repeat }) => {
      if (!repeat && (key === ' ' || key === 'Enter')) press()
    })
    button.addEventListener('keyup', release)
  }

  #press(isPressed: boolean): void {
    if (isPressed) this.#session?.press()
    else this.#session?.release()
    showPressed(isPressed && this.#session?.isReady === true)
  }

  #choose(mode: VoiceMode): void {
    this.#mode = mode
    this.#session?.choose(mode)
    this.#change()
  }

  async #start(): Promise<void> {
    this.#on = true
    this.#error = ''
    const attempt = ++this.#attempt
    this.#change()
    try {
      const sound = await Sound.open({
        captured: (samples, level) => this.#captured(samples, level),
        heard: ({ item, ms }) => this.#session?.heard(item, ms),
        silent: () => this.#session?.silent(),
        lost: () => this.#fail('The microphone was taken away. Start again when it is back.'),
      })
      if (attempt === this.#attempt) this.#begin(sound)
      else await sound.close()
    } catch (error) {
      if (attempt === this.#attempt) await this.#explain(error)
    }
  }

  #begin(sound: Sound): void {
    this.#sound = sound
    this.#session = this.#conversationId = undefined
    this.#socket = new ReconnectingSocket(() => this.#address(), {
      opened: () => this.#opened(sound),
      text: (message) => this.#take(message as { readonly type: string }),
      binary: () => undefined,
      state: (state) => this.#connected(state),
    })
    this.#socket.open()
    void this.#learn()
  }

  /** After a break with the conversation's name: an engine that still has it goes on with it. */
  #address(): string {
    const id = this.#conversationId
    return id === undefined ? this.#url : `${this.#url}?conversation_id=${encodeURIComponent(id)}`
  }

  #opened(sound: Sound): void {
    const before = this.#session
    before?.close()
    before?.conversation.breakOff()
    void sound.flush()
    this.#session = new VoiceSession({
      conversation: before?.conversation,
      mode: this.#mode,
      speaker: sound,
      send: (event) => this.#socket?.send(event) === true,
      changed: () => this.#change(),
      failed: (sentence) => this.#refused(sentence),
    })
    this.#change()
  }

  #take(message: { readonly type: string }): void {
    if (message.type === 'session.created') this.#error = ''
    this.#session?.take(message)
    this.#conversationId = this.#session?.conversationId ?? this.#conversationId
  }

  #connected(state: SocketState): void {
    if (state !== 'waiting') return
    this.#error = 'The engine does not answer. Trying again…'
    this.#change()
  }

  /** Before there is a session nothing can be said: a server that refuses it would refuse it again. */
  #refused(sentence: string): void {
    if (this.#session?.isReady !== true) this.#fail(sentence)
    else this.#error = sentence
    this.#change()
  }

  #captured(samples: Int16Array, level: number): void {
    const state = this.#session?.state
    const isSent = state !== undefined && state !== 'connecting' && (this.#mode === 'hands-free' || state === 'hearing')
    showLevel(level, !isSent)
    if ((this.#socket?.bufferedBytes ?? 0) > maxBufferedBytes) this.#fail('The connection is too slow for your voice.')
    else this.#session?.hear(samples)
  }

  #fail(sentence: string): void {
    this.#stop()
    this.#error = sentence
    this.#change()
  }

  #stop(): void {
    this.#attempt++
    this.#on = false
    this.#error = ''
    this.#session?.close()
    this.#socket?.close()
    void this.#sound?.close()
    this.#socket = this.#sound = undefined
    showLevel(0, true)
    showPressed(false)
    this.#change()
  }

  async #learn(): Promise<void> {
    try {
      this.#health = (await getJson('api/health')) as VoiceHealth
    } catch {
      // Who answers stays unsaid; the conversation does not need it.
    }
    this.#change()
  }

  async #explain(error: unknown): Promise<void> {
    const isInsecure = error instanceof DOMException && error.name === 'SecurityError'
    if (isInsecure) await this.#learn()
    this.#fail(isInsecure ? insecureSentence(this.#health) : microphoneSentence(error))
    const port = isInsecure ? this.#health?.tls?.port : undefined
    showSecureAddress(port === undefined ? undefined : `https://${location.hostname}:${port}/`)
  }

  /** At most once a picture, however much happens. */
  #change(): void {
    if (this.#isDrawing) return
    this.#isDrawing = true
    // A page that is not looked at gets no picture: it need not be drawn either.
    requestAnimationFrame(() => {
      this.#isDrawing = false
      this.#draw()
    })
  }

  #draw(): void {
    const session = this.#session
    const state = session?.state ?? 'connecting'
    const asking = this.#on && this.#sound === undefined
    const text = !this.#on ? invitation : asking ? 'Waiting for permission…' : words[state]
    showControls({
      on: this.#on,
      mode: this.#mode,
      isReady: this.#on && session?.isReady === true,
      canInterrupt: this.#on && (state === 'speaking' || state === 'thinking'),
      text: this.#error || text,
      bad: this.#error !== '',
    })
    if (session === undefined) return
    showLines(session.conversation.lines)
    showTimes(session.clock.times)
    showAnswerers(this.#health === undefined || !session.isReady ? '' : describeAnswerers(session, this.#health))
  }
}

function insecureSentence(health: VoiceHealth | undefined): string {
  const where = 'Browsers give their microphone only to pages from https or from localhost.'
  if (health?.tls) return `${where} This engine speaks https too:`
  return `${where} Start the engine with --set listen.tls=self-signed, and open its https address.`
}

function microphoneSentence(error: unknown): string {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError')
    return 'The microphone is not allowed here. Allow it beside the address and try again.'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'This device has no microphone.'
  if (name === 'NotReadableError') return 'The microphone is in use by another program. Close that one and try again.'
  return `The microphone could not be opened: ${error instanceof Error ? error.message : String(error)}`
}
