/**
 * Sets the project up on this machine, then starts it, tests it, lints it or measures it. Node's own modules only, since
 * nothing else is there at first. Every step says what it needs, is skipped when its inputs are what they were, and
 * fetches from the npm registry and Debian's mirror alone.
 *
 *   node setup.mjs [--start | --test | --lint | --bench | --sanitize] [arguments for what follows]
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { addonCommands, installedHailort, standinCommands, standinSource } from './setup-addon.mjs'
import { extractDemoClip } from './setup-demo-clip.mjs'

const root = dirname(fileURLToPath(import.meta.url))
const state = resolve(process.env.HAILSTREAM_STATE ?? join(root, '.state'))
const goals = ['--start', '--test', '--lint', '--bench', '--sanitize']
const goal = goals.includes(process.argv[2]) ? process.argv[2] : '--setup'
const rest = process.argv.slice(goal === '--setup' ? 2 : 3)

/** Debian packages: what the engine needs, and what its tests and lint need beside. Debian 12, 13 and Raspberry Pi OS name them alike. */
const enginePackages = [
  ...['g++', 'make', 'cmake', 'ninja-build', 'pkg-config', 'python3'],
  ...['libturbojpeg0-dev', 'libhwy-dev', 'libgstreamer1.0-dev', 'libgstreamer-plugins-base1.0-dev'],
  ...['gstreamer1.0-plugins-base', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad', 'gstreamer1.0-libav'],
  'gstreamer1.0-alsa',
  ...['fonts-dejavu-core', 'ffmpeg', 'espeak-ng', 'pocketsphinx', 'pocketsphinx-en-us'],
]
const testPackages = [
  'chromium',
  'clang-format',
  'python3-gi',
  'python3-websockets',
  'gir1.2-gst-rtsp-server-1.0',
  'systemd',
  'debootstrap',
  'gstreamer1.0-tools',
  'faketime',
  'pulseaudio',
]

const sanitizePackages = ['libasan8', 'libubsan1', 'libtsan2', 'valgrind']

// ONNX Runtime would report its use to its maker, also from tests and benchmarks.
process.env.ORT_DISABLE_TELEMETRY = '1'

class SetupError extends Error {}

try {
  await main()
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`\nhailstream set-up stopped: ${error.message}`)
  process.exit(1)
}

async function main() {
  checkNode()
  const startedAt = Date.now()
  installSystemPackages(packagesFor(goal))
  installNodePackages()
  buildAddon()
  buildStandin()
  buildEngine()
  buildPage()
  scanGstreamer()
  await convertModels()
  if (goal === '--start' || goal === '--test')
    await extractDemoClip({ root, state, orCamera: goal === '--start', say, must })
  if (Date.now() - startedAt > 5000) console.log(`set-up: done in ${Math.round((Date.now() - startedAt) / 1000)} s`)
  if (goal !== '--setup') process.exit(await carryOut())
}

function packagesFor(goal) {
  if (goal === '--test' || goal === '--lint') return [...enginePackages, ...testPackages]
  if (goal === '--sanitize') return [...enginePackages, ...sanitizePackages]
  return enginePackages
}

async function carryOut() {
  if (goal === '--start') return run(process.execPath, ['dist/engine/main.js', 'start', ...rest])
  if (goal === '--bench') return run(process.execPath, ['dist/test/bench/run.js', ...rest])
  if (goal === '--sanitize') return (await import('./test/support/sanitize.mjs')).sanitize(root, rest)
  const { lint, test } = await import('./test/support/checks.mjs')
  return goal === '--lint' ? lint(root) : test(root, rest)
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 20 || major > 22) {
    throw new SetupError(
      `Expected Node 20, 21 or 22, this is ${process.versions.node}: the WebSocket server has no binary for it. Install Node 20 or 22.`,
    )
  }
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new SetupError(`Expected Linux on x64 or arm64, this is ${process.platform} on ${process.arch}.`)
  }
}

function installSystemPackages(wanted) {
  if (!works('dpkg-query', ['--version'])) {
    throw new SetupError(`Expected Debian or Raspberry Pi OS (no dpkg here). Needed: ${wanted.join(' ')}`)
  }
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted], {
    encoding: 'utf8',
  })
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  )
  const missing = wanted.filter((name) => !installed.has(name))
  if (missing.length === 0) return
  const asRoot = process.getuid() === 0 ? [] : works('sudo', ['-n', 'true']) ? ['sudo', '-n'] : null
  if (asRoot === null || !works('apt-get', ['--version'])) {
    throw new SetupError(
      `these Debian packages are missing and need an administrator. Run this line, then start again:\n\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}\n`,
    )
  }
  say(`installing Debian packages: ${missing.join(' ')}`)
  const apt = (...args) =>
    must([...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args], 'apt-get failed')
  apt('update', '-q')
  apt('install', '-y', '-q', '--no-install-recommends', ...missing)
}

function installNodePackages() {
  const inputs = hash(['package.json', 'package-lock.json'], [process.versions.modules, process.arch])
  step('node_modules', inputs, 'installing npm packages', () => {
    must(['npm', 'ci', '--include=dev', '--no-audit', '--no-fund'], 'npm ci failed', {
      // Its install script fetches GPU libraries from elsewhere; the CPU ones are in the package.
      ONNXRUNTIME_NODE_INSTALL: 'skip',
      npm_config_nodedir: nodeHeaders(),
    })
  })
}

/** Folder with include/node for node-gyp, which would fetch it from nodejs.org: beside this Node, from Debian, or out of the npm registry. */
function nodeHeaders() {
  const besides = [dirname(dirname(realpathSync(process.execPath))), '/usr', '/usr/local']
  const found = besides.find((folder) => headersVersion(folder) === process.versions.node)
  if (found !== undefined) return found
  const folder = join(state, `node-headers-${process.versions.node}`)
  if (headersVersion(folder) === process.versions.node) return folder
  say(`fetching the headers of Node ${process.versions.node} from the npm registry`)
  mkdirSync(folder, { recursive: true })
  const name = `node-linux-${process.arch}@${process.versions.node}`
  must(
    ['npm', 'pack', name, '--silent', '--pack-destination', folder],
    `no headers of this Node were found, and ${name} could not be fetched`,
  )
  const archive = readdirSync(folder).find((file) => file.endsWith('.tgz'))
  must(
    ['tar', '-xzf', join(folder, archive), '-C', folder, '--strip-components=1', 'package/include'],
    'the headers could not be unpacked',
  )
  rmSync(join(folder, archive))
  return folder
}

function headersVersion(folder) {
  const file = join(folder, 'include/node/node_version.h')
  if (!existsSync(file)) return null
  const text = readFileSync(file, 'utf8')
  return ['MAJOR', 'MINOR', 'PATCH'].map((part) => text.match(new RegExp(`NODE_${part}_VERSION (\\d+)`))?.[1]).join('.')
}

function buildAddon() {
  const inputs = hash([...addonSources(), 'package-lock.json'], [process.arch, installedHailort()])
  step('addon/build/Release/hailstream.node', inputs, 'building the addon', () => {
    for (const command of addonCommands(root)) must(command, 'the addon did not build')
  })
}

/** The variant of the addon with the stand-in for HailoRT: for tests, and for who asks for it. */
function buildStandin() {
  const asked = ['--test', '--bench'].includes(goal) || rest.some((word) => word.includes('hailo.standIn=true'))
  if (!asked || !existsSync(join(root, standinSource))) return
  const inputs = hash([...addonSources(), ...filesOf(standinSource), 'package-lock.json'], [process.arch])
  step('addon/build/Release/hailstream-standin.node', inputs, 'building the stand-in for HailoRT', () => {
    for (const command of standinCommands(root)) must(command, 'the stand-in for HailoRT did not build')
  })
}

function addonSources() {
  return [...filesOf('addon/src'), ...filesOf('addon/cmake'), 'addon/CMakeLists.txt']
}

function buildEngine() {
  // The benchmarks are compiled with what they use of the tests' support.
  const sources = ['engine', 'test/bench', 'test/support'].flatMap(filesOf)
  const inputs = hash([...sources, 'tsconfig.json', 'package-lock.json'], [])
  step('dist/engine', inputs, 'compiling the engine', () => {
    must([bin('tsc'), '-p', 'engine/tsconfig.json'], 'the engine did not compile')
    removeOrphans('dist/engine')
  })
}

/** The compiler leaves what it made of a source file that is gone; as a plug-in it would still be loaded. */
function removeOrphans(folder) {
  for (const file of filesOf(folder)) {
    const source = file.replace(/^dist\//, '').replace(/\.js(\.map)?$/, '.ts')
    if (!existsSync(join(root, source))) rmSync(join(root, file))
  }
}

function buildPage() {
  const inputs = hash([...filesOf('web'), 'engine/streams/wire.ts', 'package-lock.json'], [])
  step('dist/web', inputs, 'building the page', () => {
    must([bin('vite'), 'build', 'web', '--logLevel', 'warn'], 'the page did not build')
  })
}

/** GStreamer looks at all its plug-ins once and remembers them: seconds that no camera should have to wait for. */
function scanGstreamer() {
  const remembered = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'gstreamer-1.0')
  if (existsSync(remembered)) return
  say('reading GStreamer’s plug-ins')
  const script = "new (require('gstreamer-superficial').Pipeline)('fakesrc ! fakesink')"
  must([process.execPath, '-e', script], 'GStreamer did not start')
}

async function convertModels() {
  const converter = pathToFileURL(join(root, 'dist/engine/inference/import-tfjs.js')).href
  const { convertBundledModels } = await import(converter)
  await convertBundledModels(state, say)
}

/** Runs `work` unless its product is there and was made from the same inputs; remembers them when it has succeeded. */
function step(product, inputs, title, work) {
  const stamp = join(root, 'node_modules/.hailstream', product.replaceAll('/', '_'))
  if (existsSync(join(root, product)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return
  say(title)
  work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, inputs)
}

function filesOf(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .filter((file) => !file.includes('node_modules') && !file.includes('/build/'))
    .sort()
}

function hash(files, words) {
  const sum = createHash('sha256').update(words.join(' '))
  for (const file of files) sum.update(file).update(readFileSync(join(root, file)))
  return sum.digest('hex')
}

function bin(name) {
  return join(root, 'node_modules/.bin', name)
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function say(text) {
  console.log(`set-up: ${text} …`)
}

/** Runs a command with its output shown. Throws when it fails. */
function must([command, ...args], failure, environment = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  })
  if (error !== undefined || status !== 0)
    throw new SetupError(`${failure} (${[command, ...args].join(' ')}: ${error?.message ?? `exit ${status}`})`)
}

/** Runs a command in the foreground; signals go to it, and its exit status comes back. */
function run(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)))
  })
}
