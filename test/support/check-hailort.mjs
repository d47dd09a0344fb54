/**
 * Compiles what we have of HailoRT against the library's real headers; with the library too, links it, starts a process
 * with it and says which status opening the device gives.
 *
 *   npm run check:hailort -- --include DIR [--library FILE] [--version 5.2.0]
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const objects = join(root, 'addon/build/CMakeFiles/hailstream_objects.dir')
const openDeadlineMs = 30_000

async function main() {
  const { values } = parseArgs({
    options: {
      include: { type: 'string' },
      library: { type: 'string' },
      version: { type: 'string', default: '5.2.0' },
    },
  })
  if (values.include === undefined) {
    console.log('SKIPPED: no --include DIR with HailoRT’s headers (the folder that holds hailo/hailort.hpp)')
    return 0
  }
  const include = resolve(values.include)
  if (!existsSync(join(include, 'hailo/hailort.hpp'))) {
    console.error(`Expected hailo/hailort.hpp in ${include}, found none. Give the folder that holds hailo/`)
    return 2
  }
  const folder = mkdtempSync(join(tmpdir(), 'check-hailort-'))
  try {
    return await check(folder, include, values)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function check(folder, include, { library, version }) {
  const flags = [...compilerFlags(version), '-isystem', include]
  const compiled = await compileAll(folder, flags)
  if (compiled === null) return 1
  console.log(`ok      ${compiled.length} files compile against ${include} (as ${version})`)
  if (library === undefined) {
    console.log('SKIPPED linking and opening the device: no --library FILE')
    return 0
  }
  const addon = join(folder, 'hailstream-hailo.node')
  if (!link(addon, compiled, resolve(library))) return 1
  console.log(`ok      links with ${library}`)
  return openDevice(addon, resolve(library))
}

function compilerFlags(version) {
  const [major, minor, revision] = version.split('.').map(Number)
  const packages = createRequire(join(root, 'package.json'))
  const nodeHeaders = dirname(packages.resolve('node-api-headers/package.json'))
  const cppHeaders = dirname(packages.resolve('node-addon-api/package.json'))
  return [
    ...['-std=c++20', '-O0', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror'],
    ...['-DNAPI_VERSION=9', '-DNODE_ADDON_API_CPP_EXCEPTIONS', '-DHAILSTREAM_HAILO_SIMULATED=false'],
    `-DHAILSTREAM_HAILORT_VERSION=${major * 10000 + minor * 100 + revision}`,
    ...['-I', join(root, 'addon/src'), '-isystem', join(nodeHeaders, 'include'), '-isystem', cppHeaders],
  ]
}

/** The object files, or null when one did not compile. */
async function compileAll(folder, flags) {
  const sources = ['backends/hailo', 'binding/hailo'].flatMap((part) =>
    readdirSync(join(root, 'addon/src', part))
      .filter((file) => file.endsWith('.cc'))
      .map((file) => `${part}/${file}`),
  )
  sources.push('module.cc')
  const jobs = sources.map((source) => ({
    source: join(root, 'addon/src', source),
    object: join(folder, `${source.replaceAll('/', '_')}.o`),
  }))
  const waiting = [...jobs]
  let failed = 0
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (!(await compile(job, flags))) failed++
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return failed === 0 ? jobs.map((job) => job.object) : null
}

/** What the compiler says goes to the terminal. */
function compile({ source, object }, flags) {
  const compiler = spawn('g++', [...flags, '-c', source, '-o', object], { stdio: 'inherit' })
  return new Promise((done, fail) => {
    compiler.on('error', fail)
    compiler.on('exit', (code) => done(code === 0))
  })
}

function link(target, compiled, library) {
  if (!existsSync(objects)) {
    console.error(`Expected the built addon’s objects in ${objects}, found none. Run: npm run setup`)
    return false
  }
  const shared = readdirSync(objects, { recursive: true })
    .filter((file) => file.endsWith('.o'))
    .map((file) => join(objects, file))
  const run = spawnSync(
    'g++',
    [
      '-shared',
      '-o',
      target,
      ...compiled,
      ...shared,
      library,
      `-Wl,-rpath,${dirname(library)}`,
      '-lhwy',
      '-lturbojpeg',
    ],
    { stdio: 'inherit' },
  )
  return run.status === 0
}

/** What opens the device in a process of its own: the library can end or hang the one that it is in. */
const opening = `
  const { hailoLibrary, openHailo } = require(process.argv[1])
  const startedAt = performance.now()
  const took = () => (performance.now() - startedAt).toFixed(1) + ' ms'
  const { version, generative } = hailoLibrary()
  console.log('ok      libhailort ' + version + (generative ? ', with generative models' : ''))
  openHailo({ group: 'SHARED' }).then(
    async (device) => {
      console.log('ok      opened the device after ' + took() + ':', await device.health())
      await device.close()
    },
    (error) => console.log('ok      no device after ' + took() + ': ' + error.message + ' → ' + error.code, error.hailo ?? ''),
  )`

function openDevice(addon, library) {
  const state = join(dirname(addon), 'state')
  mkdirSync(state)
  const run = spawnSync(process.execPath, ['-e', opening, addon], {
    cwd: state,
    env: { ...process.env, HAILORT_LOGGER_PATH: 'NONE', HAILORT_CONSOLE_LOGGER_LEVEL: 'critical' },
    stdio: 'inherit',
    timeout: openDeadlineMs,
    killSignal: 'SIGKILL',
  })
  const left = readdirSync(state)
  if (left.length > 0) console.log(`FAILED  the library wrote ${left.join(', ')} where it was started`)
  if (run.status === 0) return left.length === 0 ? 0 : 1
  const why = run.error?.message ?? run.signal ?? `exit ${run.status}`
  console.log(`FAILED  the process with ${basename(library)}: ${why}`)
  return 1
}

process.exitCode = await main()
