import { tmpdir } from 'node:os'
import type { Observable, Subscription } from 'rxjs'
import { AnchoredClock } from '../../engine/core/clock.ts'
import { Edge } from '../../engine/core/edge.ts'
import type { PacketOf } from '../../engine/core/packet.ts'
import { GstCaptureHosts } from '../../engine/hosts/capture-hosts.ts'
import type { SharedPool } from '../../engine/hosts/host.ts'
import type { Tools } from '../../engine/tools.ts'
import { createSharedPool, testLog } from './shared-pool.ts'

/** What a test keeps of a packet: the packet itself is disposed. */
export interface Seen {
  readonly seq: number
  readonly capturedAt: bigint
  readonly seenAt: bigint
  readonly width: number
  readonly height: number
  readonly format: string
  readonly bytes: number
}

/** A pool and capture hosts for a test file; `tools` makes what a source gets from the runner. */
export function createCaptures(pool: SharedPool = createSharedPool(16)) {
  const hosts = new GstCaptureHosts({ pool, maxSize: { width: 1280, height: 720 } })
  return { pool, hosts, tools: (stream = 'camera') => createTools(hosts, stream) }
}

function createTools(capture: GstCaptureHosts, stream: string): Tools {
  let seq = 0
  const unused = (name: string) =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error(`A source must not use ${name}`)
        },
      },
    ) as never
  return {
    pipeline: 'test',
    stream,
    from: [],
    log: testLog,
    clock: new AnchoredClock(),
    edge: new Edge(stream),
    nextSeq: () => seq++,
    capture,
    playback: unused('playback'),
    playbacks: unused('playbacks'),
    speech: unused('speech'),
    voices: unused('voices'),
    vision: unused('vision'),
    browser: unused('browser'),
    media: tmpdir(),
  }
}

/** Subscribes and keeps what it sees until it is closed. `look` may read the picture before it is let go. */
export function watch(
  packets: Observable<PacketOf<'image'>>,
  look: (packet: PacketOf<'image'>) => void = () => undefined,
) {
  const seen: Seen[] = []
  const watched: { seen: Seen[]; error: unknown; subscription: Subscription | undefined } = {
    seen,
    error: undefined,
    subscription: undefined,
  }
  watched.subscription = packets.subscribe({
    next: (packet) => {
      look(packet)
      const { width, height, format, bytes } = packet.payload.image
      const seenAt = process.hrtime.bigint()
      seen.push({ seq: packet.seq, capturedAt: packet.capturedAt, seenAt, width, height, format, bytes })
      packet[Symbol.dispose]()
    },
    error: (error) => {
      watched.error = error
    },
  })
  return {
    ...watched,
    get error() {
      return watched.error
    },
    close: () => watched.subscription?.unsubscribe(),
  }
}
