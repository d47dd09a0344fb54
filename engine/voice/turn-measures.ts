/** How long the reply took that was given, without answers that were prepared and dropped, by a clock of the engine; milliseconds. null: that part did not happen. */
export interface TurnMeasures {
  /** From the end of speech in the sound to the decision that the turn is over. */
  readonly endOfUtteranceDelayMs: number | null
  /** From that decision to the transcript. */
  readonly transcriptionDelayMs: number | null
  /** From asking the language model to its first text; negative against the end of the turn never: it counts from the question. */
  readonly ttftMs: number | null
  /** From the first clause's text, or from the response's beginning where it was written before, to its first sound handed to the listener. */
  readonly ttfbMs: number | null
  /** From the end of speech, or from the request, to the first sound or text handed to the listener. */
  readonly e2eMs: number | null
  /** Of the answer, from its first token to its last. */
  readonly tokensPerSecond: number | null
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly answerTokens: number
  /** It was interrupted, failed or cancelled. */
  readonly cancelled: boolean
}
