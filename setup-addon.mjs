/** How the addon's variants are built; setup.mjs runs these commands. Node's own modules only. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the stand-in for libhailort lies, seen from the project's root. */
export const standinSource = 'addon/test/hailort'

/** The addon as the engine and its hosts use it: without HailoRT, and a variant with it where it is installed. */
export function addonCommands(root) {
  const tool = join(root, 'node_modules/.bin/cmake-js')
  return [
    [tool, 'configure', '-d', 'addon'],
    [tool, 'build', '-d', 'addon', '--target', 'addons'],
  ]
}

/** The stand-in and its tools in addon/build/standin-OFF, and the variant of the addon that is linked with it. */
export function standinCommands(root) {
  const tool = join(root, 'node_modules/.bin/cmake-js')
  const folder = join(root, 'addon/build/standin-OFF')
  return [
    ['cmake', '-S', standinSource, '-B', folder, '-DSANITIZE=OFF', '-DSTANDIN_TESTS=OFF'],
    ['cmake', '--build', folder, '--parallel', '2'],
    [tool, 'configure', '-d', 'addon', `--CDHAILSTREAM_STANDIN_DIR=${folder}`],
    [tool, 'build', '-d', 'addon', '--target', 'hailstream-standin'],
  ]
}

/** Says which HailoRT is installed, so that the addon is built anew when one comes, goes or changes. */
export function installedHailort() {
  const folders = ['/usr/lib/cmake/HailoRT', '/usr/local/lib/cmake/HailoRT']
  const files = folders.map((folder) => join(folder, 'HailoRTConfigVersion.cmake'))
  const found = files.find((file) => existsSync(file))
  return found === undefined ? 'no HailoRT' : readFileSync(found, 'utf8')
}
