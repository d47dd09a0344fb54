import { describe, expect, it } from 'vitest'
import { opusPacketMs } from '../../engine/audio/opus-packet.ts'

/** The first byte: configuration, mono, how many frames. */
const toc = (configuration: number, code: number) => (configuration << 3) | code
const packet = (...bytes: (number | Uint8Array)[]) =>
  Uint8Array.from(bytes.flatMap((b) => (typeof b === 'number' ? [b] : [...b])))
const zeros = (count: number) => new Uint8Array(count)

describe('opusPacketMs', () => {
  // RFC 6716, table 2.
  it.each([
    [0, 10],
    [3, 60],
    [11, 60],
    [12, 10],
    [13, 20],
    [15, 20],
    [16, 2.5],
    [19, 20],
    [31, 20],
  ])('knows how long a frame of configuration %i lasts', (configuration, ms) => {
    expect(opusPacketMs(packet(toc(configuration, 0), zeros(20)))).toBe(ms)
  })

  // RFC 6716, 3.2.2 to 3.2.5.
  it.each([
    ['one frame of no bytes', packet(toc(1, 0)), 20],
    ['two equal frames', packet(toc(1, 1), zeros(40)), 40],
    ['two frames, the first with a length of one byte', packet(toc(1, 2), 251, zeros(251), zeros(3)), 40],
    ['two frames, the first with a length of two bytes', packet(toc(1, 2), 252, 1, zeros(256), zeros(3)), 40],
    ['three equal frames', packet(toc(1, 3), 3, zeros(30)), 60],
    ['three equal frames with padding', packet(toc(1, 3), 0x40 | 3, 2, zeros(30), zeros(2)), 60],
    ['long padding', packet(toc(1, 3), 0x40 | 1, 255, 1, zeros(10), zeros(255)), 20],
    ['three frames with lengths', packet(toc(1, 3), 0x80 | 3, 4, 5, zeros(4), zeros(5), zeros(6)), 60],
    ['48 frames of 2.5 ms', packet(toc(16, 3), 48, zeros(48)), 120],
  ])('reads %s', (_, bytes, ms) => {
    expect(opusPacketMs(bytes)).toBe(ms)
  })

  // RFC 6716, 3.4.
  it.each([
    ['R1: no byte', packet()],
    ['R2: a frame of 1,276 bytes', packet(toc(1, 0), zeros(1276))],
    ['R3: two equal frames in an odd number of bytes', packet(toc(1, 1), zeros(41))],
    ['R4: a first frame longer than the packet', packet(toc(1, 2), 10, zeros(9))],
    ['R4: half a length', packet(toc(1, 2), 252)],
    ['R5: no frame', packet(toc(1, 3), 0)],
    ['R5: 140 ms', packet(toc(1, 3), 7, zeros(70))],
    ['R6: frames that do not divide', packet(toc(1, 3), 3, zeros(31))],
    ['R6: more padding than packet', packet(toc(1, 3), 0x40 | 3, 200, zeros(30))],
    ['R7: lengths beyond the packet', packet(toc(1, 3), 0x80 | 3, 40, 50, zeros(60))],
    ['R7: lengths that are missing', packet(toc(1, 3), 0x80 | 3, 4)],
  ])('refuses %s', (_, bytes) => {
    expect(opusPacketMs(bytes)).toBeUndefined()
  })
})
