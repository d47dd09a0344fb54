const irregular: ReadonlyMap<string, string> = new Map([
  ['person', 'people'],
  ['sheep', 'sheep'],
  ['skis', 'skis'],
  ['scissors', 'scissors'],
  ['mouse', 'mice'],
  ['knife', 'knives'],
  ['broccoli', 'broccoli'],
])

/** How many of what, in English: `2 people, 1 dog`; the most frequent first. `nothing` for none. */
export function countInWords(labels: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const sorted = [...counts].sort(([, a], [, b]) => b - a)
  return sorted.map(([label, count]) => `${count} ${count === 1 ? label : plural(label)}`).join(', ') || 'nothing'
}

function plural(label: string): string {
  const special = irregular.get(label)
  if (special !== undefined) return special
  if (/(s|sh|ch|x|z)$/.test(label)) return `${label}es`
  return /[^aeiou]y$/.test(label) ? `${label.slice(0, -1)}ies` : `${label}s`
}

/** An age as one would say it: `just now`, `4 s ago`, `3 min ago`. */
export function ageInWords(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 2) return 'just now'
  return seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`
}
