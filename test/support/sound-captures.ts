import type { Observable } from 'rxjs'
import type { PacketOf } from '../../engine/core/packet.ts'

/** Subscribes to sound and keeps it; each packet is let go at once, unless the test holds them. */
export function listen(packets: Observable<PacketOf<'audio'>>, { hold = false } = {}) {
  const heard: PacketOf<'audio'>[] = []
  const ends: unknown[] = []
  const subscription = packets.subscribe({
    next: (packet) => {
      heard.push(packet)
      if (!hold) packet[Symbol.dispose]()
    },
    error: (error) => ends.push(error),
    complete: () => ends.push('complete'),
  })
  return {
    heard,
    ends,
    /** All samples so far, −1 to 1. */
    samples: () =>
      Float32Array.from(
        heard.flatMap(({ payload }) => [...payload.samples]),
        (value) => value / 32_768,
      ),
    close: () => subscription.unsubscribe(),
  }
}
