/** An event as it is sent, but for its `event_id`; by GA names. */
export type ServerEvent = Readonly<Record<string, unknown>> & { readonly type: string }

/** Sends an event to the client. */
export type SendEvent = (event: ServerEvent) => void
