import { isIP } from 'node:net'
import { z } from 'zod'

/** Beside plain 8080. */
const defaultPort = 8443

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i

const tlsObject = z
  .strictObject({
    port: z.number().int().min(0).max(65_535).default(defaultPort),
    /** The engine makes a certificate and keeps it. */
    selfSigned: z.boolean().default(false),
    /** Of this machine, beside those that it knows itself. */
    names: z
      .array(z.string().refine((name) => isIP(name) !== 0 || hostName.test(name), 'Expected a host name or an address'))
      .default([]),
    /** A file with the certificate and those between it and an authority, as PEM. */
    cert: z.string().min(1).optional(),
    /** A file with its key, as PEM, without a password. */
    key: z.string().min(1).optional(),
  })
  .refine(({ selfSigned, cert, key }) => (selfSigned ? !cert && !key : cert && key), {
    error: 'Expected self-signed, or cert and key with the paths of files',
  })
  .refine(({ selfSigned, names }) => selfSigned || names.length === 0, {
    error: 'Expected names only with selfSigned: a given certificate has its own',
  })
  .transform(
    ({ port, names, cert, key }): TlsSettings =>
      cert !== undefined && key !== undefined
        ? { kind: 'files', port, cert, key }
        : { kind: 'self-signed', port, names },
  )

/** Where the certificate of `listen.tls` comes from. */
export type TlsSettings =
  | { readonly kind: 'self-signed'; readonly port: number; readonly names: readonly string[] }
  | { readonly kind: 'files'; readonly port: number; readonly cert: string; readonly key: string }

/** `listen.tls`: null, `self-signed`, or where its certificate comes from and the port. */
export const tlsSchema = z
  .preprocess((value) => (value === 'self-signed' ? { selfSigned: true } : value), tlsObject.nullable())
  .default(null)
