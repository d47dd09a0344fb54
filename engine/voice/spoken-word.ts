const emoji =
  /(?![©®™])(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier})(?:\u{FE0F}|\u{200D}|\u{20E3}|[\u{E0020}-\u{E007F}]|\p{Emoji_Modifier})*|\u{FE0F}?\u{20E3}|\u{FE0F}/gu
/** An address up to the marks that belong to the sentence around it. */
const address =
  /(?:(?:https?|wss?|ftp|file|rtsp):\/\/|mailto:|www\.(?=[^\s.]))[^\s"”»。，！？；、]*?(?=["”»。，！？；、]|[.,!?;:)\]'*_`]*(?:$|\s))/giu
const linkTarget = /\]\([^\s()]*(?:\([^\s()]*\)[^\s()]*)*\)|\]\[[^\]\s]*\]|\[\^?\d+\]|\[[ xX]\]/g
const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&nbsp;': ' ',
}
/** Emphasis stands at the edge of a word; within one it is part of a name or a product. */
const emphasis = /(?<![\p{L}\p{N}])[*_]+(?=\S)|(?<=\S)[*_]+(?![\p{L}\p{N}])|\*{2,}|_{2,}|~{2,}/gu
const readableCode = /^[\p{L}\p{N}.,!?:;'"’\-_/+#%&]*$/u

/**
 * A word of Markdown as a voice says it: without emphasis, link targets, addresses and emoji. Empty where nothing is left. `isCode`: it stands in
 * an inline code span, where a word with other marks than a name has cannot be said.
 */
export function toSpokenWord(word: string, isCode: 'code' | 'text'): string {
  if (isCode === 'code' && !readableCode.test(word.replaceAll('`', ''))) return ''
  const plain = word
    .replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (entity) => entities[entity] ?? entity)
    .replace(linkTarget, '')
    .replace(address, '')
    .replace(emoji, '')
    .replace(/\\(?=[!-/:-@[-`{-~])/g, '')
    .replace(/!?\[|\]|`/g, '')
  const bare = plain === '*' ? plain : plain.replace(emphasis, '')
  const whole = bare.replace(/\(\)|""|''|“”|«»/g, '').trim()
  return isRule(whole) ? '' : whole
}

/** A line that parts paragraphs, or a table's head from its rows. */
function isRule(word: string): boolean {
  return /^(?:[-=_:]{3,}|\*{3,})$/.test(word)
}
