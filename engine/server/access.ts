import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

/** Who may connect, as configured. */
export interface AccessRules {
  /** `open`: no token on any address. */
  readonly access: 'token-unless-loopback' | 'open'
  /** What other machines must show; null: none is configured, so they are refused. */
  readonly token: string | null
  /** Origins of pages that may connect beside our own, as `https://example.org`. */
  readonly origins: readonly string[]
}

/** What the decision needs to know of a request. */
export interface Visit {
  /** The other end's IP address. */
  readonly address: string
  /** In capitals. */
  readonly method: string
  readonly webSocket: boolean
  /** Without the question mark. */
  readonly query: string
  /** Beginnings of WebSocket subprotocols that carry a token on this path, beside the house's. */
  readonly tokenProtocols?: readonly string[]
  /** By lower-case name; empty or undefined when absent. */
  header(name: string): string | null | undefined
}

/** What a visit is answered that may not proceed. */
export interface Refusal {
  readonly status: 401 | 403
  readonly error: 'unauthorized' | 'forbidden'
  readonly detail: string
}

/** Begins the WebSocket subprotocol that carries a token. */
export const tokenProtocol = 'hailstream.token.'
/** Name of the cookie that carries a token. */
export const tokenCookie = 'hailstream_token'

/** CONTRACT's "Who may". Made once; holds no state. */
export class Access {
  readonly #rules: AccessRules
  readonly #origins: ReadonlySet<string>
  readonly #hosts: ReadonlySet<string>

  constructor(rules: AccessRules, listenHost: string) {
    this.#rules = rules
    this.#origins = new Set(rules.origins.map((origin) => origin.toLowerCase().replace(/\/$/, '')))
    const own = hostname().toLowerCase()
    const configured = [...this.#origins].map((origin) => hostOf(origin)).filter((host) => host !== undefined)
    this.#hosts = new Set([listenHost.toLowerCase(), own, `${own}.local`, ...configured.map(nameOf)])
  }

  /** Why the visit is refused; undefined when it may proceed. */
  refuse(visit: Visit): Refusal | undefined {
    return this.#refusePlace(visit) ?? this.#refuseToken(visit)
  }

  /** Whether pages of that origin may read our answers (CORS). */
  allowsOrigin(origin: string, host: string): boolean {
    const asked = hostOf(origin)
    if (asked === undefined) return false
    return asked === host.toLowerCase() || isLoopbackName(nameOf(asked)) || this.#origins.has(origin.toLowerCase())
  }

  /** Whether the token in the query is right, so that the page may keep it as a cookie. */
  knowsQueryToken(query: string): boolean {
    const token = new URLSearchParams(query).get('token')
    return token !== null && this.#isToken(token)
  }

  /** Other sites' pages, and names that an attacker's DNS points here, change nothing and open no socket. */
  #refusePlace(visit: Visit): Refusal | undefined {
    if (!visit.webSocket && ['GET', 'HEAD', 'OPTIONS'].includes(visit.method)) return undefined
    const host = visit.header('host') || ''
    if (!this.#allowsHost(host)) {
      const detail = `Expected this machine's address or name as Host, received ${host || 'none'}. Add it to listen.origins to allow it`
      return { status: 403, error: 'forbidden', detail }
    }
    const origin = visit.header('origin') || ''
    if (origin === '' || this.allowsOrigin(origin, host)) return undefined
    const detail = `Expected a page of this engine or of listen.origins, received the origin ${origin}. Add it there to allow it`
    return { status: 403, error: 'forbidden', detail }
  }

  #allowsHost(host: string): boolean {
    const name = nameOf(host.toLowerCase())
    return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || isLoopbackName(name) || this.#hosts.has(name)
  }

  #refuseToken(visit: Visit): Refusal | undefined {
    if (this.#rules.access === 'open' || isLoopbackAddress(visit.address)) return undefined
    if (this.#rules.token === null) {
      const detail = 'No token is configured, so only this machine may connect. Set HAILSTREAM_TOKEN or --token-file'
      return { status: 401, error: 'unauthorized', detail }
    }
    if (tokensOf(visit).some((token) => this.#isToken(token))) return undefined
    const detail = `Expected the token as Authorization: Bearer, ?token=, WebSocket subprotocol ${tokenProtocol}… or cookie ${tokenCookie}`
    return { status: 401, error: 'unauthorized', detail }
  }

  #isToken(candidate: string): boolean {
    return this.#rules.token !== null && timingSafeEqual(digest(candidate), digest(this.#rules.token))
  }
}

/** The subprotocol to answer with: `hailstream` where offered, else the one that carried a token; empty for none. */
export function chooseProtocol(offered: string): string {
  const names = splitList(offered, ',')
  return names.find((name) => name === 'hailstream') ?? names.find((name) => name.startsWith(tokenProtocol)) ?? ''
}

/** The query without its token, for logs and routes. */
export function withoutToken(query: string): string {
  return splitList(query, '&')
    .filter((part) => !/^token(=|$)/.test(part))
    .join('&')
}

function tokensOf(visit: Visit): string[] {
  const bearer = /^Bearer\s+(\S+)$/i.exec(visit.header('authorization') ?? '')?.[1]
  const query = new URLSearchParams(visit.query).get('token')
  const protocols = visit.webSocket ? splitList(visit.header('sec-websocket-protocol') ?? '', ',') : []
  const beginnings = [tokenProtocol, ...(visit.tokenProtocols ?? [])]
  const carried = beginnings.map((start) => protocols.find((name) => name.startsWith(start))?.slice(start.length))
  const cookies = splitList(visit.header('cookie') ?? '', ';')
  const cookie = cookies.find((pair) => pair.startsWith(`${tokenCookie}=`))?.slice(tokenCookie.length + 1)
  return [bearer, query, ...carried, cookie, cookie && decode(cookie)].filter((token) => typeof token === 'string')
}

/** What pages encode to put it into a cookie; undefined when it is not encoded so. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Of equal length for every text, so that comparing takes the same time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function splitList(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** `host:port` of an origin, in lower case; undefined for what is none (`null`). */
function hostOf(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)\/?$/.exec(origin.toLowerCase())?.[1]
}

/** The name or address of `host:port`. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '')
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name)
}

function isLoopbackAddress(address: string): boolean {
  return /^(0000:0000:0000:0000:0000:ffff:|::ffff:)?(127\.|7f[0-9a-f]{2}:)/i.test(address) || isLoopbackIp6(address)
}

function isLoopbackIp6(address: string): boolean {
  return address === '::1' || address === '0000:0000:0000:0000:0000:0000:0000:0001'
}
