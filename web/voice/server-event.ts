import type { ServerMeasures } from './turn-times.ts'

/** What of the server's events, by their GA names, the page looks at. */
export interface ServerEvent {
  readonly type: string
  readonly item_id?: string
  readonly delta?: string
  readonly transcript?: string
  readonly session?: { readonly model?: string; readonly audio?: { readonly output?: { readonly voice?: string } } }
  readonly item?: { readonly id?: string; readonly content?: readonly { readonly transcript?: string | null }[] }
  readonly response?: ServerResponse
  readonly error?: { readonly code?: string | null; readonly message?: string }
}

/** A response, as it begins and as it ends. */
export interface ServerResponse {
  readonly id?: string
  /** null: it leaves the conversation as it is. */
  readonly conversation_id?: string | null
  readonly status?: string
  readonly status_details?: { readonly error?: { readonly message?: string; readonly code?: string } | null } | null
  readonly usage?: { readonly hailstream?: ServerMeasures } | null
}
