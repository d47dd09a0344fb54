import type { Sampling } from './language.ts'

/** Fields of a request, where left out ones may be undefined. */
export type LooseSampling = { readonly [Field in keyof Sampling]?: Sampling[Field] | undefined }

/** Only what was said. */
export function toSampling(fields: LooseSampling): Sampling {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
