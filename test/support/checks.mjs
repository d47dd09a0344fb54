/** What `npm run lint` and `npm test` run after set-up. Node's own modules only; each returns the exit status. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Formatter, linter, types, module boundaries, C++ format: all of them, also after one has failed. */
export function lint(root) {
  const sources = spawnSync('git', ['ls-files', 'addon/*.cc', 'addon/*.h'], { cwd: root, encoding: 'utf8' })
  const failed = [
    check(root, 'format and lint', ['npx', 'biome', 'check', '--error-on-warnings']),
    check(root, 'types of the engine and the tests', ['npx', 'tsc', '--noEmit']),
    check(root, 'types of the page', ['npx', 'tsc', '--noEmit', '-p', 'web/tsconfig.json']),
    check(root, 'types of the tests of the page', ['npx', 'tsc', '--noEmit', '-p', 'test/web/tsconfig.json']),
    checkBoundaries(root),
    check(root, 'format of C++', ['clang-format', '--dry-run', '-Werror', ...sources.stdout.trim().split('\n')]),
  ].filter((ok) => !ok)
  console.log(failed.length === 0 ? 'lint: clean' : `lint: ${failed.length} checks failed`)
  return failed.length === 0 ? 0 : 1
}

/** C++ tests, then vitest with `args`. Ends with the line `N passed, N failed`, and what was skipped, which is a failure in CI. */
export function test(root, args) {
  const native = runNativeTests(root)
  const results = join(root, 'node_modules/.hailstream/vitest.json')
  mkdirSync(join(root, 'node_modules/.hailstream'), { recursive: true })
  const run = spawnSync(
    'npx',
    ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`, ...args],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
    readFileSync(results, 'utf8'),
  )
  const broken = run.status !== 0 && numFailedTests === 0 ? Math.max(1, numFailedTestSuites) : 0
  const skippedFails = process.env.CI ? numPendingTests : 0
  if (numPendingTests > 0)
    console.log(`${numPendingTests} tests were skipped: see above (test data comes from HAILSTREAM_TEST_DATA)`)
  const failed = native.failed + numFailedTests + broken + skippedFails
  console.log(`${native.passed + numPassedTests} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

/** Builds and runs the C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer; counts test programs. */
function runNativeTests(root) {
  const { status, stdout } = spawnSync('bash', ['addon/test/run.sh'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.stdout.write(stdout)
  const counts = [...stdout.matchAll(/(\d+) tests failed out of (\d+)/g)].map(([, failed, total]) => [
    Number(failed),
    Number(total),
  ])
  const failed = counts.reduce((sum, [count]) => sum + count, 0)
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  return { passed: total - failed, failed: status === 0 && total > 0 ? failed : Math.max(1, failed) }
}

/** Module boundaries. With a parser missing, dependency-cruiser passes having seen nothing: fewer modules than files is a failure. */
function checkBoundaries(root) {
  const run = spawnSync(
    'npx',
    ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'engine', 'web'],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    },
  )
  if (run.stdout === '') {
    // Its parser does not know every statement: `using` is one that it refuses.
    console.error(run.stderr)
    console.log('FAIL module boundaries (dependency-cruiser stopped)')
    return false
  }
  const { summary, modules } = JSON.parse(run.stdout)
  const files = readdirSync(join(root, 'engine'), { recursive: true }).filter((file) => file.endsWith('.ts')).length
  for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`)
  if (modules.length < files)
    console.error(`dependency-cruiser saw ${modules.length} modules, but engine/ has ${files} files`)
  const ok = summary.error === 0 && modules.length >= files
  console.log(`${ok ? 'ok  ' : 'FAIL'} module boundaries (${modules.length} modules)`)
  return ok
}

function check(root, title, [command, ...args]) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${title}`)
  return status === 0
}
