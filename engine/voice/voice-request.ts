import type { EventOf, VoiceEvent } from './events.ts'

/** What whoever owns a voice session may tell it. What stages answer is the session's own. */
type OutsideType =
  | 'press'
  | 'release'
  | 'commit'
  | 'clear'
  | 'create-item'
  | 'delete-item'
  | 'truncate'
  | 'respond'
  | 'cancel-response'
  | 'say'
  | 'interrupt'
  | 'update'
  | 'played'

type WithoutTime<T> = T extends VoiceEvent ? Omit<T, 'at'> : never

/** An event as its teller knows it: the session adds the time. */
export type UntimedEvent = WithoutTime<VoiceEvent>

/**
 * A request to a voice session. One that cannot be heeded comes back as the notice `refused` with its `id`; nothing has changed then. `played`:
 * so many milliseconds of the reply of that turn were heard in all.
 */
export type VoiceRequest = WithoutTime<EventOf<OutsideType>>
