import { type BinaryHead, packBinary } from '../../streams/wire.ts'

/** Where in its response a piece of sound belongs, as `response.output_audio.delta` names it. */
export interface ReplyPlace {
  readonly response_id: string
  readonly item_id: string
  readonly output_index: number
  readonly content_index: number
}

/** Header of a binary message with one Opus packet of a reply. */
export interface ReplyPacketHead extends BinaryHead, ReplyPlace {
  readonly type: 'audio/opus'
}

/** Our own extension of the protocol: an Opus packet in CONTRACT's binary form, in order with the JSON events around it. */
export function packReplyPacket(place: ReplyPlace, packet: Uint8Array): Uint8Array {
  const head: ReplyPacketHead = { v: 1, type: 'audio/opus', ...place }
  return packBinary(head, packet)
}
