import type { TurnMeasures } from '../turn-measures.ts'

/** Tokens of a response as the protocol counts them, and our own measures beside them, in milliseconds. */
export function toUsage(measures: TurnMeasures): object {
  const { promptTokens, cachedTokens, answerTokens, tokensPerSecond, cancelled } = measures
  return {
    total_tokens: promptTokens + answerTokens,
    input_tokens: promptTokens,
    output_tokens: answerTokens,
    input_token_details: {
      cached_tokens: cachedTokens,
      text_tokens: promptTokens,
      audio_tokens: 0,
      image_tokens: 0,
      cached_tokens_details: { text_tokens: cachedTokens, audio_tokens: 0, image_tokens: 0 },
    },
    output_token_details: { text_tokens: answerTokens, audio_tokens: 0 },
    hailstream: {
      end_of_utterance_delay_ms: round(measures.endOfUtteranceDelayMs),
      transcription_delay_ms: round(measures.transcriptionDelayMs),
      ttft_ms: round(measures.ttftMs),
      ttfb_ms: round(measures.ttfbMs),
      e2e_ms: round(measures.e2eMs),
      tokens_per_second: round(tokensPerSecond),
      cancelled,
    },
  }
}

function round(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10
}
