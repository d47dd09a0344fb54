import type { Topic } from './choice.ts'
import { Publisher, type PublisherState } from './publisher.ts'
import { element, showCamera } from './view.ts'

/** Where the panel finds and changes the picture that the page shows. */
export interface Screen {
  show(topic: string): void
  shown(): string | undefined
}

const words: Readonly<Record<PublisherState, string>> = {
  off: 'Let the engine look through the camera of this device.',
  asking: 'Waiting for permission…',
  connecting: 'Connecting…',
  sending: 'Sending',
  paused: 'Paused: nobody is watching it',
}

/** The button that sends this device's camera, and what is said about it. */
export class CameraPanel {
  readonly #publisher: Publisher
  readonly #screen: Screen
  #images: readonly Topic[] = []
  #before: string | undefined
  #error = ''

  constructor(url: string, screen: Screen) {
    this.#screen = screen
    this.#publisher = new Publisher(url, {
      changed: () => this.#render(),
      publishing: (source) => this.#publishing(source),
      failed: (sentence) => {
        this.#error = sentence
        this.#goBack()
        this.#render()
      },
    })
    element('camera').addEventListener('click', () => this.#press())
    setInterval(() => this.#render(), 500)
  }

  /** Topics that the server has now. */
  know(topics: readonly Topic[]): void {
    this.#images = topics.filter((topic) => topic.kind === 'image')
    this.#render()
  }

  #press(): void {
    this.#error = ''
    if (this.#publisher.state !== 'off') {
      this.#publisher.stop()
      this.#goBack()
      return
    }
    const here = this.#screen.shown()?.split('/')[0]
    const own = this.#images.filter((topic) => topic.pipeline === here)
    const others = this.#images.filter((topic) => topic.pipeline !== here)
    void this.#publisher.start([...new Set([...own, ...others].map((topic) => topic.stream))])
  }

  #publishing(source: string): void {
    const topic = this.#images.find((image) => image.stream === source)?.topic
    if (topic === undefined || this.#before !== undefined || topic === this.#screen.shown()) return
    this.#before = this.#screen.shown()
    this.#screen.show(topic)
  }

  #goBack(): void {
    if (this.#before !== undefined) this.#screen.show(this.#before)
    this.#before = undefined
  }

  #render(): void {
    const { state, rate } = this.#publisher
    const sending = state === 'sending' ? ` ${rate.rate(performance.now()).toFixed(0)} pictures a second` : ''
    showCamera({
      can: this.#images.length > 0 || state !== 'off',
      on: state !== 'off',
      text: this.#error || words[state] + sending,
      bad: this.#error !== '',
    })
  }
}
