/**
 * What `npm run test:sanitize` runs after set-up: the C++ tests under AddressSanitizer with UndefinedBehaviorSanitizer,
 * ThreadSanitizer and valgrind, then those of the addon in Node under the first two. Node's own modules only.
 */
import { spawnSync } from 'node:child_process'
import { sanitizeInNode } from './sanitize-node.mjs'

const nativeModes = ['plain', 'sanitize', 'thread', 'valgrind']

/** With `only`, those of `plain`, `sanitize`, `thread`, `valgrind` and `node`; without, all but `plain`, whose programs valgrind runs. Returns the exit status. */
export function sanitize(root, only) {
  const unknown = only.filter((mode) => ![...nativeModes, 'node'].includes(mode))
  if (unknown.length > 0) {
    console.error(`Expected ${nativeModes.join(', ')} or node, received ${unknown.join(', ')}`)
    return 2
  }
  const modes = only.length > 0 ? only : ['sanitize', 'thread', 'valgrind', 'node']
  const failed = modes.filter((mode) => !(mode === 'node' ? sanitizeInNode(root) : runNative(root, mode)))
  console.log(failed.length === 0 ? `clean: ${modes.join(', ')}` : `NOT clean: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

function runNative(root, mode) {
  console.log(`\nC++ tests: ${mode}`)
  return spawnSync('sh', ['addon/test/run.sh', mode], { cwd: root, stdio: 'inherit' }).status === 0
}
