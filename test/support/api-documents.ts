/** A JSON Schema, or a reference to one. */
export type Schema = Readonly<Record<string, unknown>>

/** An OpenAPI or AsyncAPI document. */
export type SomeDocument = Readonly<Record<string, unknown>>

type Contents = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>

/** An operation of an OpenAPI document, with where it stands. */
export interface DocumentedOperation {
  readonly path: string
  readonly method: string
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly description?: string
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: Contents }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Contents }>>
}

/** All operations of an OpenAPI document. */
export function operationsOf({ paths }: SomeDocument): DocumentedOperation[] {
  type Told = Omit<DocumentedOperation, 'path' | 'method'>
  return Object.entries(paths as Record<string, Record<string, Told>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method })),
  )
}

/** References of a document that lead nowhere in it. */
export function brokenReferences(document: SomeDocument): string[] {
  const broken: string[] = []
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { $ref } = value as { readonly $ref?: unknown }
    if (typeof $ref === 'string' && follow(document, $ref) === undefined) broken.push($ref)
    for (const inner of Object.values(value)) walk(inner)
  }
  walk(document)
  return broken
}

function follow(document: SomeDocument, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined
  const keys = reference
    .slice(2)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
}
