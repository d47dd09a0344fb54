import { describe, expect, it } from 'vitest'
import { type Member, PlainGroup } from '../../engine/server/plain-group.ts'
import type { EncodedMessage } from '../../engine/streams/encode.ts'
import { maxBufferedBytes } from '../../engine/streams/subscriber.ts'

/** A socket whose buffer the test fills; it counts how often it was asked for it. */
class FakeMember implements Member {
  buffered = 0
  asked = 0
  joined = false
  endedTopics: string[] = []

  get bufferedBytes(): number {
    this.asked++
    return this.buffered
  }
  join(): void {
    this.joined = true
  }
  leave(): void {
    this.joined = false
  }
  ended(topic: string): void {
    this.endedTopics.push(topic)
  }
}

function messageOf(bytes: number): EncodedMessage {
  const body = new Uint8Array(bytes)
  return { topic: 't', n: 0, epoch: 'e', binary: false, bytes: body, body, type: 'application/json' }
}

function createGroup(members: readonly FakeMember[]) {
  let published = 0
  const group = new PlainGroup('t', () => published++)
  for (const member of members) group.add(member)
  const deliver = (count: number, bytes = 1024) => {
    for (let i = 0; i < count; i++) group.deliver(messageOf(bytes))
  }
  return { group, deliver, published: () => published }
}

describe('the plain clients of a topic', () => {
  it('are given each message by one publishing, and asked for their buffers once per 64 KiB', () => {
    const members = [new FakeMember(), new FakeMember()]
    const { group, deliver, published } = createGroup(members)
    deliver(640)
    expect(published()).toBe(640)
    expect(members.map(({ asked }) => asked)).toEqual([9, 9])
    expect(group.dropped).toBe(0)
  })

  it('stand aside while they are behind, miss messages that are counted, and come back once all is sent', () => {
    const [slow, quick] = [new FakeMember(), new FakeMember()]
    const { group, deliver } = createGroup([slow, quick])
    slow.buffered = maxBufferedBytes + 1
    deliver(65)
    expect([slow.joined, quick.joined, group.dropped]).toEqual([false, true, 1])
    deliver(9)
    expect([slow.joined, group.dropped]).toEqual([false, 10])
    slow.buffered = 0
    deliver(1)
    expect([slow.joined, quick.joined, group.dropped]).toEqual([true, true, 10])
  })

  it('stand aside at the next message when messages are large', () => {
    const slow = new FakeMember()
    const { group, deliver } = createGroup([slow])
    deliver(1, 100_000)
    slow.buffered = maxBufferedBytes + 1
    deliver(1, 100_000)
    expect([slow.joined, group.dropped]).toEqual([false, 1])
  })

  it('leave for good also while they stand aside', () => {
    const slow = new FakeMember()
    const { group, deliver } = createGroup([slow])
    slow.buffered = maxBufferedBytes + 1
    deliver(65)
    group.remove(slow)
    slow.buffered = 0
    deliver(1)
    expect([slow.joined, group.size, group.dropped]).toEqual([false, 0, 1])
  })

  it('hear that the topic has ended', () => {
    const member = new FakeMember()
    const { group } = createGroup([member])
    group.ended()
    expect([member.endedTopics, member.joined, group.size]).toEqual([['t'], false, 0])
  })
})
