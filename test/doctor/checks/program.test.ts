import { describe, it } from 'vitest'
import { projectRoot } from '../../../engine/root.ts'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { failed, late } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a Node that is too new',
    check: 'node',
    state: 'error',
    change: ({ own }) => Object.assign(own, { nodeVersion: '24.1.0' }),
    detail: 'Expected Node 20.11 to 22, found Node 24.1.0 for linux on arm64 (/usr/bin/node)',
    fix: /^Install Node 22 .* npm run setup$/,
  },
  {
    title: 'a Node that is too old',
    check: 'node',
    state: 'error',
    change: ({ own }) => Object.assign(own, { nodeVersion: '20.9.0' }),
    detail: /^Expected Node 20\.11 to 22, found Node 20\.9\.0/,
    fix: /^Install Node 22/,
  },
  {
    title: 'a Node for 32 bits',
    check: 'node',
    state: 'error',
    change: ({ own }) => Object.assign(own, { architecture: 'arm' }),
    detail: /^Expected Linux on x64 or arm64, found Node 22\.12\.0 for linux on arm/,
    fix: /64-bit Linux/,
  },
  {
    title: 'an addon that does not load',
    check: 'addon',
    state: 'error',
    change: ({ programs, stats }) => {
      programs['hailstream.node'] = failed(
        1,
        '    at x\n\nError: libturbojpeg.so.0: cannot open shared object file\n    at y',
      )
      stats[`${projectRoot}/addon/build/Release/hailstream.node`] = {}
    },
    detail: 'The addon does not load: libturbojpeg.so.0: cannot open shared object file',
    fix: /rm -rf addon\/build && npm run setup$/,
  },
  {
    title: 'an addon that crashes',
    check: 'addon',
    state: 'error',
    change: ({ programs, stats }) => {
      programs['hailstream.node'] = failed(null, '', 'SIGSEGV')
      stats[`${projectRoot}/addon/build/Release/hailstream.node`] = {}
    },
    detail: 'The addon crashes while it loads (SIGSEGV)',
    fix: /addon\/build/,
  },
  {
    title: 'an addon that is not built',
    check: 'addon',
    state: 'error',
    change: ({ programs }) => (programs['hailstream.node'] = failed(1, 'Error: Cannot find module')),
    detail: 'Expected the addon at addon/build/Release/hailstream.node, found none',
    fix: /npm run setup/,
  },
  {
    title: 'an addon of an older version',
    check: 'addon',
    state: 'error',
    change: ({ programs }) => (programs['hailstream.node'] = String(programs['hailstream.node']).replace(' fit ', ' ')),
    detail: 'Expected the addon to export fit: it was built of another version',
    fix: /addon\/build/,
  },
  {
    title: 'an ONNX Runtime that hangs',
    check: 'native-parts',
    name: 'onnx-runtime',
    state: 'error',
    change: ({ programs }) => (programs['onnxruntime-node'] = late),
    detail: 'ONNX Runtime did not load within 20 s',
    fix: /rm -rf node_modules && npm run setup$/,
  },
  {
    title: 'a WebSocket server without a binary, in an installation without set-up',
    check: 'native-parts',
    name: 'web-sockets',
    state: 'error',
    change: (machine) => {
      machine.programs['uWebSockets.js'] = failed(
        1,
        'Error [ERR_MODULE_NOT_FOUND]: Cannot find uws_linux_arm64_131.node',
      )
      for (const path of Object.keys(machine.stats)) if (path.endsWith('setup.mjs')) delete machine.stats[path]
    },
    detail: 'The WebSocket server does not load: Cannot find uws_linux_arm64_131.node',
    fix: 'In the folder that hailstream was installed from: rm -rf node_modules && npm run setup && sudo sh systemd/install.sh',
  },
]

describe('the doctor on the program', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
