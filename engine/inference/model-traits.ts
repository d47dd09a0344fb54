/** What a model's name tells of it: `qwen2.5-coder-1.5b-instruct` is of the family `qwen2.5-coder` and has `1.5B` parameters. */
export function modelTraits(name: string): { readonly family: string | null; readonly parameters: string | null } {
  const [, family = null, size] = /^(.+?)-(\d+(?:\.\d+)?[bm])(?:-|$)/i.exec(name) ?? []
  return { family, parameters: size?.toUpperCase() ?? null }
}
