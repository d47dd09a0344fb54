import { expect, it } from 'vitest'
import { Endpointer } from '../../engine/inference/endpointer.ts'

/** The events of a course of probabilities, `[probability, steps]`, by the number of their step. */
function eventsOf(course: readonly (readonly [number, number])[], endpointer = new Endpointer()): string[] {
  const probabilities = course.flatMap(([probability, steps]) => Array.from({ length: steps }, () => probability))
  return probabilities.flatMap((probability, i) => {
    const event = endpointer.step(probability)
    return event ? [`${event} ${i}`] : []
  })
}

it('hears a beginning after 64 ms of speech and an end after 500 ms of silence', () => {
  // Steps are 32 ms: two of speech, sixteen of silence.
  expect(
    eventsOf([
      [0, 10],
      [0.9, 20],
      [0, 30],
    ]),
  ).toEqual(['start 11', 'end 45'])
})

it('takes a click for no beginning', () => {
  expect(
    eventsOf([
      [0, 3],
      [0.9, 1],
      [0, 3],
      [0.9, 1],
      [0, 30],
    ]),
  ).toEqual([])
})

it('does not end in a pause between two words, nor where the probability only wavers', () => {
  expect(
    eventsOf([
      [0.9, 5],
      [0, 15],
      [0.9, 5],
      [0.4, 40],
      [0, 20],
    ]),
  ).toEqual(['start 1', 'end 80'])
})

it('hears one beginning after the other', () => {
  expect(
    eventsOf([
      [0.9, 4],
      [0, 16],
      [0.9, 4],
      [0, 16],
    ]),
  ).toEqual(['start 1', 'end 19', 'start 21', 'end 39'])
})

it('waits as long as it is told', () => {
  const endpointer = new Endpointer({ silenceMs: 96, speechMs: 32 })
  expect(
    eventsOf(
      [
        [0.9, 1],
        [0, 3],
      ],
      endpointer,
    ),
  ).toEqual(['start 0', 'end 3'])
})
