import type { Config } from '../../config.ts'
import { error, type Finding, ok, type Trouble, warning } from '../finding.ts'
import { holdersOf, nameOf } from '../open-files.ts'
import type { System } from '../system.ts'

const ollamaPort = 11434
/** Of the services whose place the engine takes, and of the three that belong to none. */
const servicePorts = [5000, 5001, 5002, 5003, 11435, 11436, 11437, 11438, 11439, 11440, 8081, 8082, 8083]
/** The first that everybody may bind. */
const minFreePort = 1024

/** Whether the port, and that of TLS, are free to listen on, or held by hailstream itself. */
export async function checkPort(system: System, { listen: { host, port, tls } }: Config): Promise<Finding[]> {
  const found = await checkOwn(system, host, port)
  // Where the engine runs it holds both, and the other does not answer here without TLS.
  if (tls === null || (await system.tryListen(host, port)) !== undefined) return found
  return [...found, ...(await checkOwn(system, host, tls.port))]
}

async function checkOwn(system: System, host: string, port: number): Promise<Finding[]> {
  const code = await system.tryListen(host, port)
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
  if (code === undefined) return [ok('port', port === 0 ? `${host}, any free port` : `${place} is free`)]
  if (code === 'EADDRINUSE') return [await checkTaken(system, { host, port, place })]
  return [error('port', tellRefused(code, { host, port, place }))]
}

/** Whether the extra ports are free; a taken one does not keep the engine from starting. */
export async function checkExtraPorts(system: System, { compat, listen, wyoming }: Config): Promise<Finding[]> {
  const ours = [...(compat.ollama ? [ollamaPort] : []), ...(compat.services ? servicePorts : [])]
  const places = [...ours.map((port) => ({ host: listen.host, port })), ...(wyoming ? [wyoming] : [])]
  const wanted = places.map(({ port }) => port)
  const findings = await Promise.all(places.map(({ host, port }) => checkExtra(system, host, port)))
  const taken = findings.flat()
  return wanted.length > 0 && taken.length === 0 ? [ok('extra-ports', `${wanted.join(', ')} free`)] : taken
}

async function checkExtra(system: System, host: string, port: number): Promise<Finding[]> {
  if ((await system.tryListen(host, port)) !== 'EADDRINUSE') return []
  const { holder, stop, ours } = await holderOf(system, port)
  if (ours) return []
  const detail = `The extra port ${port} is held by ${holder}: hailstream does not answer there`
  return [warning('extra-ports', { detail, fix: stop })]
}

interface Place {
  readonly host: string
  readonly port: number
  readonly place: string
}

async function checkTaken(system: System, { host, port, place }: Place): Promise<Finding> {
  const all = host === '0.0.0.0' || host === '::'
  const authority = all ? `127.0.0.1:${port}` : place
  const own = describeOwn(await system.ask(`http://${authority}/api/health`))
  if (own !== undefined) return ok('port', `hailstream runs at ${place}: ${own}`)
  const { holder, stop, ours } = await holderOf(system, port)
  if (ours) return ok('port', `hailstream runs at ${place}: ${holder}`)
  const fix = `${stop}  # or let hailstream listen elsewhere: --port ${port + 1}`
  return error('port', { detail: `${place} is held by ${holder}`, fix })
}

/** What hailstream says of its health, or that it wants its token; undefined for an answer of anybody else. */
function describeOwn(answer: string | undefined): string | undefined {
  try {
    const told = JSON.parse(answer ?? '') as Record<string, unknown>
    if (told.error === 'unauthorized' && /hailstream/i.test(String(told.detail))) return 'it asks for its token'
    return told.clockSteps === undefined ? undefined : `version ${told.version}, ${told.status}`
  } catch {
    // No JSON: not ours.
    return undefined
  }
}

function tellRefused(code: string, { host, port, place }: Place): Trouble {
  if (code === 'EACCES' && port < minFreePort)
    return {
      detail: `${place}: ports under ${minFreePort} are for root`,
      fix: `Use --port 8080, or: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${port}`,
    }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      detail: `listen.host ${host} is no address of this machine (${code})`,
      fix: 'Set listen.host to 127.0.0.1 or 0.0.0.0; this machine has: ip -brief address',
    }
  return { detail: `${place} cannot be listened on: ${code}`, fix: 'Use another --host or --port' }
}

async function holderOf(system: System, port: number): Promise<{ holder: string; stop: string; ours: boolean }> {
  const { holders } = await holdersOf(system, await socketsOn(system, port))
  const [first] = holders
  if (first !== undefined) return { holder: nameOf(first), stop: first.stop, ours: first.ours }
  return { holder: 'another program', stop: `sudo ss -lptn 'sport = :${port}'`, ours: false }
}

/** Listening sockets, as links in /proc/PID/fd name them. Lines: `0: 0100007F:1F90 00000000:0000 0A … uid timeout inode`. */
async function socketsOn(system: System, port: number): Promise<string[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => system.read(path)))
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return tables.flatMap((table) =>
    (table ?? '').split('\n').flatMap((line) => {
      const words = line.trim().split(/\s+/)
      return words[1]?.endsWith(`:${hex}`) && words[3] === '0A' ? [`socket:[${words[9]}]`] : []
    }),
  )
}
