import type { ClientSocket, ClientVisit } from './client-socket.ts'
import { KeptConversations } from './kept-conversations.ts'
import { RealtimeClient, type RealtimeParts } from './realtime-client.ts'

/** 15 MiB of sound as base64, and the event around it. */
const maxMessageBytes = 21 * 1024 * 1024

/** The OpenAI Realtime protocol by WebSocket: GA, and its beta dialect for clients that ask for it. Disposing it waits for its clients' work. */
export class RealtimeApp implements AsyncDisposable {
  readonly paths = ['/v1/realtime', '/api/voice']
  readonly headers = ['openai-beta']
  readonly tokenProtocols = ['openai-insecure-api-key.']
  readonly maxMessageBytes = maxMessageBytes
  readonly #parts: RealtimeParts
  readonly #clients = new Set<RealtimeClient>()

  constructor(parts: Omit<RealtimeParts, 'conversations'>) {
    this.#parts = { ...parts, conversations: new KeptConversations() }
  }

  chooseProtocol(offered: readonly string[]): string {
    return offered.includes('realtime') ? 'realtime' : ''
  }

  open(socket: ClientSocket, visit: ClientVisit): RealtimeClient {
    const client = new RealtimeClient(this.#parts, socket, visit)
    this.#clients.add(client)
    void client.ended.finally(() => this.#clients.delete(client))
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.closed()
    await Promise.all([...this.#clients].map(({ ended }) => ended))
  }
}
