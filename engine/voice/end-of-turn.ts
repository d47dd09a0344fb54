import type { MachineOptions, TurnDetection } from './settings.ts'

/** What is known about the end of what the user says. */
export interface TurnEvidence {
  /** Understood so far; may be empty. */
  readonly text: string
  /** 0 to 1, where a model tells. */
  readonly completeness: number | undefined
  /** Within turns, in this voice session. */
  readonly longestPauseMs: number
}

/** Nobody ends on these. English and German. */
const unfinishedEnd =
  /(?:^|\s)(?:and|or|but|because|if|the|a|an|to|of|with|my|your|um+|uh+|er+|und|oder|aber|weil|dass|wenn|der|die|ein|eine|zu|mit|für|mein|ähm?|öhm?)[,…]?$|[,;:…-]$/iu
const finishedEnd = /[.!?。！？]["'”’»)]*$/u

/** As Unmute has it: above, the user is done; below the other one, not yet. */
const surelyDone = 0.6
const surelyNot = 0.4

/** Who paused so long once does it again, and a little longer. */
const pauseMargin = 1.2

/**
 * Milliseconds of silence that end a turn. `server_vad` is always the same; by meaning it is short after what sounds complete, long after what does
 * not, and never shorter than the pauses of this speaker but after a complete sentence.
 */
export function silenceThatEnds(detection: TurnDetection, evidence: TurnEvidence, options: MachineOptions): number {
  if (detection.type === 'server_vad') return detection.silenceMs
  const longest = options.longestWaitMs[detection.eagerness]
  const judged = judge(evidence)
  if (judged === 'done') return Math.min(options.completeMs, longest)
  if (judged === 'unfinished') return longest
  return Math.min(longest, Math.max(options.undecidedMs, evidence.longestPauseMs * pauseMargin))
}

function judge({ text, completeness }: TurnEvidence): 'done' | 'unfinished' | 'undecided' {
  if (completeness !== undefined)
    return completeness > surelyDone ? 'done' : completeness < surelyNot ? 'unfinished' : 'undecided'
  if (unfinishedEnd.test(text.trim())) return 'unfinished'
  return finishedEnd.test(text.trim()) ? 'done' : 'undecided'
}
