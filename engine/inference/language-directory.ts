import type { Logger } from 'pino'
import { EngineError, messageOf } from '../errors.ts'
import type { LanguageBackend, LanguageOffer } from './language-backend.ts'
import { findNamed } from './language-names.ts'
import { RecentLook } from './recent-look.ts'

/** Backends look at files and ask servers: so often at most. */
const freshMs = 500
/** The first that can be run, else the one that is nearest to it. */
const order = ['available', 'failed', 'missing'] as const
/** Models that a message names for a `pull`. */
const maxAdvised = 3

/** A model, and the backend that runs it on this machine. */
export interface ChosenLanguage {
  readonly name: string
  readonly aliases: readonly string[]
  readonly backend: LanguageBackend
  readonly offer: LanguageOffer
  /** Why this backend, and where its file is, or what is wrong. */
  readonly why: string
}

/** Which language models there are, each by the first backend that can run it. */
export class LanguageDirectory {
  readonly #backends: readonly LanguageBackend[]
  readonly #log: Logger
  readonly #looked = new RecentLook(() => this.#look(), { freshMs })
  #last: readonly ChosenLanguage[] = []

  /** The backends in the order in which they are tried. */
  constructor(backends: readonly LanguageBackend[], log: Logger) {
    this.#backends = backends
    this.#log = log
  }

  /** Every model once, as it was within the last half second. */
  all(): Promise<readonly ChosenLanguage[]> {
    return this.#looked.fresh()
  }

  /** The same for lists: see `RecentLook.recent`. */
  list(): Promise<readonly ChosenLanguage[]> {
    return this.#looked.recent()
  }

  /** Throws `not-found`. */
  async find(name: string): Promise<ChosenLanguage> {
    return findNamed(name, await this.all())
  }

  /** The model for who names none: the first of these that is here, else the first that is. Throws `unavailable`, naming what to pull. */
  async default(preferred: readonly string[]): Promise<ChosenLanguage> {
    const models = (await this.all()).filter(({ offer }) => offer.capabilities.chat)
    const here = models.filter(({ offer }) => offer.state === 'available')
    const found = preferred
      .map((name) => here.find((model) => model.name === name))
      .find((model) => model !== undefined)
    const chosen = found ?? here[0]
    if (chosen) return chosen
    throw new EngineError('unavailable', `Expected a language model on this machine, found none. ${adviceFor(models)}`)
  }

  /** The name by which it is known, as far as that was looked up before. */
  knownName(name: string): string {
    try {
      return findNamed(name, this.#last).name
    } catch {
      // Nobody has looked yet, or it is unknown: whoever uses the name hears of it.
      return name
    }
  }

  async #look(): Promise<readonly ChosenLanguage[]> {
    const offers = (await Promise.all(this.#backends.map((backend) => this.#ask(backend)))).flat()
    const names = [...new Set(offers.map(({ offer }) => offer.name))]
    this.#last = names.map((name) => choose(offers.filter(({ offer }) => offer.name === name)))
    return this.#last
  }

  /** One that does not answer takes none of the others away. */
  async #ask(backend: LanguageBackend): Promise<{ backend: LanguageBackend; offer: LanguageOffer }[]> {
    try {
      return (await backend.offers()).map((offer) => ({ backend, offer }))
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#log.debug({ backend: backend.name, reason: messageOf(error) }, 'backend does not say what it has')
      return []
    }
  }
}

/** What to do for one that is not here. */
export function pullAdvice(name: string): string {
  return `Fetch it: models pull ${name}`
}

function adviceFor(models: readonly ChosenLanguage[]): string {
  const failed = models.find(({ offer }) => offer.state === 'failed')
  if (failed) return `${failed.name}: ${failed.why}`
  const names = models.slice(0, maxAdvised).map(({ name }) => name)
  return names.length === 0 ? 'Add a folder with some to models.paths' : `Fetch one: models pull ${names.join(' or ')}`
}

function choose(offers: readonly { backend: LanguageBackend; offer: LanguageOffer }[]): ChosenLanguage {
  const sorted = offers.toSorted((a, b) => order.indexOf(a.offer.state) - order.indexOf(b.offer.state))
  const { backend, offer } = sorted[0]!
  const before = offers.slice(
    0,
    offers.findIndex((one) => one.offer === offer),
  )
  const reasons = before.map((one) => `not by ${one.backend.name}: ${one.offer.why}`)
  const aliases = [...new Set(offers.flatMap((one) => one.offer.aliases))]
  return { name: offer.name, aliases, backend, offer, why: [...reasons, offer.why].join('; ') }
}
