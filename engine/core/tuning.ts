import { Observable, Subject, type Subscription } from 'rxjs'
import { z } from 'zod'
import { type CheckedNode, type CheckedStream, parseOptions } from './check-pipeline.ts'
import { emit } from './edge.ts'
import { invalid } from './graph.ts'
import type { Packet } from './packet.ts'

/** Options of one node by name. */
export type OptionValues = Readonly<Record<string, unknown>>

/** The options of a node that can be changed while its stream runs. What was changed is forgotten with the pipeline. */
export class Tuning {
  readonly #file: string
  readonly #stream: CheckedNode
  readonly #changed = new Subject<void>()
  /** As written, with what was changed. */
  #written: OptionValues
  #parsed: unknown

  /** `file`: where the pipeline was written, for messages. */
  constructor(file: string, stream: CheckedNode) {
    this.#file = file
    this.#stream = stream
    this.#written = stream.spec.options
    this.#parsed = stream.options
  }

  /** What can be changed. */
  get names(): readonly string[] {
    return this.#stream.plugin.tunable ?? []
  }

  /** What can be changed, as it is now; null where it is left out. */
  get values(): OptionValues {
    const parsed = this.#parsed as OptionValues
    return Object.fromEntries(this.names.map((name) => [name, parsed[name] ?? null]))
  }

  /** What one option may be, as a JSON schema. */
  schemaOf(option: string): Readonly<Record<string, unknown>> {
    const { properties = {} } = z.toJSONSchema(this.#stream.plugin.options, { io: 'input' })
    return (properties[option] ?? {}) as Readonly<Record<string, unknown>>
  }

  /** All options of the node as they are now, as its plug-in takes them. */
  get options(): unknown {
    return this.#parsed
  }

  /** Changes all of these or none; null leaves an option out again. Throws `invalid` with the place, as for a file. */
  change(values: OptionValues): void {
    for (const name of Object.keys(values)) this.#expectTunable(name)
    const written = { ...this.#written, ...values }
    const given = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null))
    const { name, plugin } = this.#stream
    this.#parsed = parseOptions(this.#file, name, plugin, given)
    this.#written = given
    this.#changed.next()
  }

  /** What `make` makes of the options, made anew in the same place whenever they change: its input stays open, its state begins anew. */
  remade(make: (options: unknown) => Observable<Packet>): Observable<Packet> {
    return new Observable((subscriber) => {
      let made: Subscription | undefined
      const remake = () => {
        const before = made
        made = make(this.#parsed).subscribe({
          next: (packet) => emit(subscriber, packet),
          error: (error: unknown) => subscriber.error(error),
          complete: () => subscriber.complete(),
        })
        before?.unsubscribe()
      }
      const changes = this.#changed.subscribe(remake)
      remake()
      return () => {
        changes.unsubscribe()
        made?.unsubscribe()
      }
    })
  }

  #expectTunable(option: string): void {
    if (this.names.includes(option)) return
    const { name, plugin } = this.#stream
    throw invalid(this.#file, {
      place: `streams.${name}.${option}`,
      message: `Expected an option of ${plugin.name} that can be changed while it runs (${this.names.join(', ') || 'it has none'})`,
    })
  }
}

/** By stream: what can be changed of a pipeline that runs. */
export function tuningsOf(file: string, checked: readonly CheckedStream[]): Map<string, Tuning> {
  const nodes = checked.filter(isTunable)
  return new Map(nodes.map((node) => [node.name, new Tuning(file, node)]))
}

function isTunable(stream: CheckedStream): stream is CheckedNode {
  return stream.plugin.type === 'node' && stream.plugin.tunable !== undefined
}
