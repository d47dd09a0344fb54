import { join } from 'node:path'
import type { Addon } from '../../native/addon.ts'
import { projectRoot } from '../../root.ts'
import { error, type Finding, ok } from '../finding.ts'
import { type Outcome, printedBy, type System } from '../system.ts'

/** `import.meta.dirname` came with 20.11; the WebSocket server has no binary for Node above 22. */
const oldest = [20, 11] as const
const newestMajor = 22
const probeDeadlineMs = 20_000
const addonFile = 'addon/build/Release/hailstream.node'

/** What the addon must export; the compiler holds it to `Addon`. */
const addonExports: Readonly<Record<keyof Addon, true>> = {
  createPool: true,
  openPool: true,
  attachPool: true,
  imageLayout: true,
  fit: true,
  decodeKernels: true,
  decodeWidth: true,
  decode: true,
  decodeMasks: true,
  decodeSegments: true,
  jpegHeader: true,
  decodeJpeg: true,
  encodeJpeg: true,
  convert: true,
  dieWithParent: true,
  discard: true,
  limitReceiveBuffers: true,
  lockFile: true,
  mapBlocksFrom: true,
  trimMemory: true,
  notify: true,
}

/** The command that builds the program anew; set-up leaves alone what it has made already, so that what is broken is removed first. */
export async function rebuildFix(system: System, broken?: 'addon/build' | 'node_modules'): Promise<string> {
  const build = broken === undefined ? 'npm run setup' : `rm -rf ${broken} && npm run setup`
  if ((await system.stat(join(projectRoot, 'setup.mjs'))) !== undefined) return `cd ${projectRoot} && ${build}`
  return `In the folder that hailstream was installed from: ${build} && sudo sh systemd/install.sh`
}

/** Whether this Node can run the engine. */
export async function checkNode(system: System): Promise<Finding[]> {
  const { nodeVersion, abi, architecture, platform, nodePath } = system.own
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const fix = `Install Node ${newestMajor} for 64-bit Linux, then: ${await rebuildFix(system)}`
  const found = `Node ${nodeVersion} for ${platform} on ${architecture} (${nodePath})`
  if (major > newestMajor || major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    return [error('node', { detail: `Expected Node ${oldest.join('.')} to ${newestMajor}, found ${found}`, fix })]
  if (platform !== 'linux' || !['x64', 'arm64'].includes(architecture))
    return [error('node', { detail: `Expected Linux on x64 or arm64, found ${found}`, fix })]
  return [ok('node', `${found}, ABI ${abi}`)]
}

/** A native part of the program, loaded in a process of its own: a broken one may take the process with it. */
interface NativePart {
  readonly check: string
  readonly title: string
  /** What `require` or `import` is given, from the project's folder. */
  readonly module: string
  /** JavaScript that gives what is to be printed of `part`. */
  readonly tell: string
}

const parts: readonly NativePart[] = [
  {
    check: 'onnx-runtime',
    title: 'ONNX Runtime',
    module: 'onnxruntime-node',
    tell: 'part.default.env.versions.node + " on " + part.default.listSupportedBackends()[0].name',
  },
  {
    check: 'web-sockets',
    title: 'The WebSocket server',
    module: 'uWebSockets.js',
    tell: '`for Node ABI ${process.versions.modules}`',
  },
  { check: 'pictures', title: 'The reader of pictures', module: 'sharp', tell: 'part.default.versions.sharp' },
]

/** Whether the addon is built for this Node and machine, and is the one that this version of the engine needs. */
export async function checkAddon(system: System): Promise<Finding[]> {
  const probe = probeOf({ module: `./${addonFile}`, tell: 'Object.keys(part).join(" ")' })
  const outcome = await runScript(system, probe)
  const told = printedBy(outcome)
  if (told === undefined) {
    const built = await system.stat(join(projectRoot, addonFile))
    const detail =
      built === undefined ? `Expected the addon at ${addonFile}, found none` : failure('The addon', outcome)
    return [error('addon', { detail, fix: await rebuildFix(system, 'addon/build') })]
  }
  const exported = told.split(' ')
  const lacking = Object.keys(addonExports).filter((name) => !exported.includes(name))
  if (lacking.length > 0) {
    const detail = `Expected the addon to export ${lacking.join(', ')}: it was built of another version`
    return [error('addon', { detail, fix: await rebuildFix(system, 'addon/build') })]
  }
  return [ok('addon', `loads, ${exported.length} functions`)]
}

/** Whether each native package loads. */
export async function checkNativeParts(system: System): Promise<Finding[]> {
  return Promise.all(parts.map((part) => checkPart(system, part)))
}

async function checkPart(system: System, part: NativePart): Promise<Finding> {
  const outcome = await runScript(system, probeOf(part))
  const told = printedBy(outcome)
  if (told !== undefined) return ok(part.check, `${part.title} loads (${told})`)
  return error(part.check, { detail: failure(part.title, outcome), fix: await rebuildFix(system, 'node_modules') })
}

/** What a probe that failed says: its last words on stderr that name the reason. */
export function failure(title: string, outcome: Outcome): string {
  if (outcome.end === 'missing') return `${title} could not be tried: the program is not there`
  if (outcome.end === 'late') return `${title} did not load within ${probeDeadlineMs / 1000} s`
  if (outcome.signal !== null) return `${title} crashes while it loads (${outcome.signal})`
  const reason =
    /^\s*(?:\w*Error)(?: \[\w+\])?: (.+)$/m.exec(outcome.stderr)?.[1] ?? outcome.stderr.trim().split('\n').at(-1)
  return `${title} does not load: ${reason || `exit status ${outcome.status}`}`
}

/** A script for the project's folder. What is no file of JavaScript cannot be imported. */
function probeOf({ module, tell }: { readonly module: string; readonly tell: string }): string {
  const name = JSON.stringify(module)
  const require = `(await import('node:module')).createRequire(process.cwd() + '/')`
  return `const part = ${module.endsWith('.node') ? `${require}(${name})` : `await import(${name})`}; console.log(${tell})`
}

/** Runs a script, written as a module, in a Node of its own in the project's folder. */
export function runScript(system: System, script: string): Promise<Outcome> {
  const command = [system.own.nodePath, '--input-type=module', '-e', script] as const
  return system.run(command, { deadlineMs: probeDeadlineMs, cwd: projectRoot })
}
