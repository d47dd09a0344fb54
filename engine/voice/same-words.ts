/** Whether two texts differ in marks and capitals only. */
export function sameWords(a: string, b: string): boolean {
  return bare(a) === bare(b)
}

function bare(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}
