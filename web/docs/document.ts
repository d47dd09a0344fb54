/** A JSON Schema as the documents have it: without references, but for bodies of failures. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly prefixItems?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly $ref?: string
}

/** Bodies by media type. */
export type Contents = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>

/** One operation of `/openapi.json`. */
export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Contents }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Contents }>>
}

/** A part of the path, or of the query. */
export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

/** What is read of `/openapi.json`. */
export interface OpenApi {
  readonly info: { readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** What is read of `/asyncapi.json`. */
export interface AsyncApi {
  readonly channels: Readonly<Record<string, Channel>>
  readonly components: { readonly messages: Readonly<Record<string, Message>> }
}

/** A path of WebSockets, and what is said there. */
export interface Channel {
  readonly address: string
  readonly title: string
  readonly description?: string
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>
}

/** A message; of a binary one `headers` is its JSON header. */
export interface Message {
  readonly name: string
  readonly description?: string
  readonly headers?: Schema
  readonly payload: Schema
}
