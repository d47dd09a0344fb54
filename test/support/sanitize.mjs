/**
 * What `npm run test:sanitize` runs after set-up: the C++ tests under AddressSanitizer with UndefinedBehaviorSanitizer,
 * ThreadSanitizer and valgrind, then the tests of the addon in Node under AddressSanitizer. Node's own modules only.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const nativeModes = ['plain', 'sanitize', 'thread', 'valgrind']

/** With `only`, those of `plain`, `sanitize`, `thread`, `valgrind` and `node`; without, all but `plain`, whose programs valgrind runs. Returns the exit status. */
export function sanitize(root, only) {
  const unknown = only.filter((mode) => ![...nativeModes, 'node'].includes(mode))
  if (unknown.length > 0) {
    console.error(`Expected ${nativeModes.join(', ')} or node, received ${unknown.join(', ')}`)
    return 2
  }
  const modes = only.length > 0 ? only : ['sanitize', 'thread', 'valgrind', 'node']
  const failed = modes.filter((mode) => !(mode === 'node' ? runInNode(root) : runNative(root, mode)))
  console.log(failed.length === 0 ? `clean: ${modes.join(', ')}` : `NOT clean: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

function runNative(root, mode) {
  console.log(`\nC++ tests: ${mode}`)
  return spawnSync('sh', ['addon/test/run.sh', mode], { cwd: root, stdio: 'inherit' }).status === 0
}

/**
 * Builds the addon with AddressSanitizer and runs its tests with it in place of the usual one. Node itself leaks at its exit,
 * so that leaks are not looked for here; the C++ tests do that.
 */
function runInNode(root) {
  console.log('\nthe addon in Node: AddressSanitizer')
  const built = join(root, 'addon/build/asan')
  const flags = '-fsanitize=address -fno-omit-frame-pointer -g -O1'
  const standin = join(root, 'addon/build/standin-address')
  const build = spawnSync(
    join(root, 'node_modules/.bin/cmake-js'),
    [
      ...['compile', '-d', 'addon', '-O', built, `--CDCMAKE_CXX_FLAGS=${flags}`],
      ...(existsSync(join(standin, 'HailoRTConfig.cmake')) ? [`--CDHAILSTREAM_STANDIN_DIR=${standin}`] : []),
    ],
    { cwd: root, stdio: 'inherit' },
  )
  if (build.status !== 0) return false
  const library = spawnSync('g++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim()
  const reports = join(built, 'reports')
  rmSync(reports, { recursive: true, force: true })
  mkdirSync(reports)
  const tests = spawnSync('npx', ['vitest', 'run', 'test/native'], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      LD_PRELOAD: library,
      HAILSTREAM_ADDON_FOLDER: join(built, 'Release'),
      ASAN_OPTIONS: `detect_leaks=0:log_path=${reports}/asan`,
    },
  })
  const found = readdirSync(reports)
  if (found.length > 0)
    console.error(`AddressSanitizer reported: see ${found.map((file) => join(reports, file)).join(', ')}`)
  return tests.status === 0 && found.length === 0
}
