import assert from 'node:assert/strict'
import type { Received } from './realtime-client.ts'

interface OpenItem {
  text: string
  sound: 'none' | 'open' | 'done'
  isPartOpen: boolean
  isTextDone: boolean
}

interface OpenResponse {
  readonly id: string
  readonly items: Map<string, OpenItem>
  readonly outputs: string[]
}

/** Judges what a GA client hears by itself alone: the ten invariants as far as they show on the wire, and the order of each response's events. */
export class RealtimeOracle {
  readonly #events = new Set<string>()
  readonly #responses = new Set<string>()
  readonly #items = new Set<string>()
  readonly #openItems = new Set<string>()
  #response: OpenResponse | undefined
  #speech: string | undefined
  #lastStopMs = 0

  hear(event: Received): void {
    assert.ok(!this.#events.has(event.event_id), 'each event has an id of its own')
    this.#events.add(event.event_id)
    if (event.type.startsWith('response.')) this.#hearResponse(event)
    else if (event.type === 'conversation.item.added') this.#add(event)
    else if (event.type === 'conversation.item.done') this.#done(event)
    else if (event.type === 'conversation.item.deleted') this.#items.delete(String(event.item_id))
    else if (event.type === 'input_audio_buffer.speech_started') this.#startSpeech(event)
    else if (event.type === 'input_audio_buffer.speech_stopped') this.#stopSpeech(event)
  }

  /** The session is idle: everything that was opened is closed. */
  checkIdle(): void {
    assert.equal(this.#response, undefined, '2: each response has ended')
    assert.equal(this.#openItems.size, 0, '4: each item that was added is done')
    assert.equal(this.#speech, undefined, '5: speech that has started has stopped')
  }

  #add({ item, previous_item_id: previous }: Received): void {
    const { id } = item as { id: string }
    assert.ok(!this.#items.has(id), `an item is added once: ${id}`)
    if (previous !== null) assert.ok(this.#items.has(String(previous)), `the predecessor is known: ${previous}`)
    this.#items.add(id)
    this.#openItems.add(id)
  }

  #done({ item }: Received): void {
    assert.ok(this.#openItems.delete((item as { id: string }).id), '4: done once, after added')
  }

  #startSpeech({ item_id, audio_start_ms }: Received): void {
    assert.equal(this.#speech, undefined, '5: no start within a turn')
    assert.ok(Number(audio_start_ms) >= this.#lastStopMs, '7: no sound is in two turns')
    this.#speech = String(item_id)
  }

  #stopSpeech({ item_id, audio_end_ms }: Received): void {
    assert.equal(this.#speech, item_id, '5: no end without a start')
    this.#lastStopMs = Number(audio_end_ms)
    this.#speech = undefined
  }

  #hearResponse(event: Received): void {
    if (event.type === 'response.created') this.#create(event)
    else this.#hearPart(this.#expectOpen(event), event)
  }

  #expectOpen(event: Received): OpenResponse {
    const id = String(event.response_id ?? (event.response as { id: string }).id)
    assert.ok(this.#response?.id === id, `3: ${event.type} only of the response in progress, received ${id}`)
    return this.#response
  }

  #hearPart(response: OpenResponse, event: Received): void {
    if (event.type === 'response.done') this.#end(response, event)
    else if (event.type === 'response.output_item.added') this.#addOutput(response, event)
    else if (event.type === 'response.output_item.done') this.#endOutput(response, event)
    else {
      const item = response.items.get(String(event.item_id))
      // A call's arguments belong to an item as well.
      assert.ok(item, `4: ${event.type} only in an open item`)
      this.#hearItem(item, event)
    }
  }

  #create({ response }: Received): void {
    const { id } = response as { id: string }
    assert.equal(this.#response, undefined, '1: never two responses in progress')
    assert.ok(!this.#responses.has(id), '2: a response starts once')
    this.#responses.add(id)
    this.#response = { id, items: new Map(), outputs: [] }
  }

  #end({ items, outputs }: OpenResponse, { response }: Received): void {
    assert.equal(items.size, 0, '4: items are done before the response is')
    const told = (response as { output: { id: string }[] }).output.map(({ id }) => id)
    assert.deepEqual(told, outputs, 'the end names what was given')
    this.#response = undefined
  }

  #addOutput({ items, outputs }: OpenResponse, { item, output_index }: Received): void {
    const { id } = item as { id: string }
    assert.equal(output_index, outputs.length, 'outputs are numbered in their order')
    outputs.push(id)
    items.set(id, { text: '', sound: 'none', isPartOpen: false, isTextDone: false })
  }

  #endOutput({ items }: OpenResponse, { item }: Received): void {
    const { id } = item as { id: string }
    const open = items.get(id)
    assert.ok(open && !open.isPartOpen, '4: parts are done before their item is')
    items.delete(id)
  }

  #hearItem(item: OpenItem, { type, ...event }: Received): void {
    if (type === 'response.content_part.added') item.isPartOpen = true
    else if (type === 'response.output_audio.delta') {
      assert.ok(item.isPartOpen && item.sound !== 'done', '3: no sound after its end')
      item.sound = 'open'
    } else if (type === 'response.output_audio.done') item.sound = 'done'
    else if (/(?:transcript|output_text)\.delta$/.test(type)) {
      assert.ok(item.isPartOpen && !item.isTextDone, '3: no text after its end')
      item.text += String(event.delta)
    } else if (/(?:transcript|output_text)\.done$/.test(type)) {
      assert.equal(event.transcript ?? event.text, item.text, 'the whole text is what its pieces were')
      item.isTextDone = true
    } else if (type === 'response.content_part.done') {
      assert.ok(item.isPartOpen && item.isTextDone, '4: text is done before its part is')
      item.isPartOpen = false
    }
  }
}
