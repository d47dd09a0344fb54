/**
 * The addon in Node under AddressSanitizer and UndefinedBehaviorSanitizer: built with them in a folder of its own, and the
 * sanitizer's library loaded first into Node and all that the tests start. Node's own modules only.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { standinSource } from '../../setup-addon.mjs'

/** The addon by itself, then pictures and generations on their way through a host to the simulated device. */
const tests = ['test/native', 'test/inference/hailo.test.ts', 'test/hosts/hailo-language.test.ts']
/** Loading the library and looking for leaks takes each process seconds. */
const patienceMs = '120000'
const standinTools = ['hailort-standin-device', 'hailort-standin-hef', 'hailort-standin-control']

/** Builds, runs the tests, and prints what the sanitizers found of ours. True when the tests passed and that is nothing. */
export function sanitizeInNode(root) {
  console.log('\nthe addon in Node: AddressSanitizer and UndefinedBehaviorSanitizer')
  const built = join(root, 'addon/build/asan')
  if (!build(root, built)) return false
  const reports = join(built, 'reports')
  rmSync(reports, { recursive: true, force: true })
  mkdirSync(reports)
  const environment = { ...process.env, ...sanitizers(reports), HAILSTREAM_ADDON_FOLDER: join(built, 'Release') }
  const runNode = (...args) =>
    spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: environment })
      .status === 0
  const patience = ['--testTimeout', patienceMs, '--hookTimeout', patienceMs]
  const passed = [
    runNode('test/support/addon-round.mjs', join(built, 'Release/hailstream.node')),
    runNode('node_modules/vitest/vitest.mjs', 'run', ...patience, ...tests),
  ]
  const faults = readdirSync(reports).flatMap((file) => ownFaults(readFileSync(join(reports, file), 'utf8')))
  for (const fault of faults) console.error(`\n${fault}`)
  console.log(`sanitizers: ${faults.length} faults of the addon; whole reports: ${reports}`)
  return passed.every((ok) => ok) && faults.length === 0
}

/** The addon, plain and with the stand-in, and the stand-in's library and tools, which addon/test/run.sh builds with its tests. */
function build(root, built) {
  const standin = join(root, 'addon/build/standin-address')
  const cmakeJs = (word, ...args) => [
    join(root, 'node_modules/.bin/cmake-js'),
    word,
    '-d',
    'addon',
    '-O',
    built,
    ...args,
  ]
  const commands = [
    ['cmake', '-S', standinSource, '-B', standin, '-DSANITIZE=address', '-DSTANDIN_TESTS=ON'],
    ['cmake', '--build', standin, '--parallel', '2', '--target', 'libhailort', ...standinTools],
    cmakeJs('configure', '--CDSANITIZE=address', `--CDHAILSTREAM_STANDIN_DIR=${standin}`),
    cmakeJs('build', '-p', '2', '--target', 'hailstream'),
    cmakeJs('build', '-p', '2', '--target', 'hailstream-standin'),
  ]
  const done = commands.every(
    ([command, ...args]) =>
      spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0,
  )
  // Where the engine looks for the tools: beside the addon.
  if (done && !existsSync(join(built, 'standin-OFF'))) symlinkSync(standin, join(built, 'standin-OFF'))
  return done
}

/**
 * A fault ends its process and is written to a file, as the leaks are that a process has at its exit: those do not change its
 * status, because Node itself leaks. A process that is killed is not searched for leaks.
 */
function sanitizers(reports) {
  const library = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim()
  return {
    LD_PRELOAD: library,
    ASAN_OPTIONS: `log_path=${reports}/address:detect_leaks=1:exitcode=0:abort_on_error=1`,
    UBSAN_OPTIONS: `log_path=${reports}/undefined:print_stacktrace=1:abort_on_error=1`,
  }
}

/**
 * The faults of a report: all but leaks in which nothing of ours has a part, or that Node allocated for us and does not free at its
 * exit. A list for LeakSanitizer itself cannot say so: it would name Node, and Node is in every stack that leads to the addon.
 */
export function ownFaults(report) {
  if (!report.includes('ERROR: LeakSanitizer')) return [report]
  return report.split('\n\n').filter((block) => / leak of \d+ byte/.test(block) && isOurs(block))
}

const ours =
  /\((?:.*\/)?(?:hailstream[\w-]*\.node|libhailort\.so[\w.]*)\+0x| in .*\/(?:addon\/(?:src|test)|node-addon-api)\//
const allocators = /libsanitizer|\(.*\/lib(?:asan|stdc\+\+)\.so/
const node = /\((?:.*\/)?node\+0x/

function isOurs(block) {
  const frames = block.split('\n').filter((line) => /^ +#\d+ /.test(line))
  const allocating = frames.find((frame) => !allocators.test(frame))
  return allocating !== undefined && !node.test(allocating) && frames.some((frame) => ours.test(frame))
}
