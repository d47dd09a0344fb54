import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../engine/root.ts'

const { ownFaults } = (await import(join(projectRoot, 'test/support/sanitize-node.mjs'))) as {
  ownFaults(report: string): string[]
}

const allocator =
  '    #0 0x7f1b in operator new(unsigned long) ../../../../src/libsanitizer/asan/asan_new_delete.cpp:95'
const node = '(/usr/bin/node+0xc50413)'
const leak = (...frames: string[]) =>
  [
    'Direct leak of 40 byte(s) in 1 object(s) allocated from:',
    allocator,
    ...frames.map((frame, i) => `    #${i + 1} 0x7f1b ${frame}`),
  ].join('\n')
const report = (...leaks: string[]) =>
  [
    '=====\n==7==ERROR: LeakSanitizer: detected memory leaks',
    ...leaks,
    'SUMMARY: AddressSanitizer: 40 byte(s) leaked',
  ].join('\n\n')

describe('what counts of the sanitizers’ reports on the addon in Node', () => {
  it('is every fault, wherever it happened', () => {
    const fault = `==7==ERROR: AddressSanitizer: heap-use-after-free\n    #0 0x7f1b in memcpy ${node}`
    expect(ownFaults(fault)).toEqual([fault])
    expect(ownFaults('fit.cc:7:3: runtime error: shift exponent 40 is too large')).toHaveLength(1)
    expect(ownFaults('==7==LeakSanitizer has encountered a fatal error.')).toHaveLength(1)
  })

  it('is a leak of the addon, of the stand-in, or of a library that they call', () => {
    const leaks = [
      leak('in wrap /home/hailstream/addon/src/binding/pool.cc:100', `in call ${node}`),
      leak('(/home/hailstream/addon/build/asan/Release/hailstream-standin.node+0x77)', `in call ${node}`),
      leak(
        'in tjInitCompress (/usr/lib/libturbojpeg.so.0+0x99)',
        'in encode /home/hailstream/addon/src/kernels/turbo.cc:9',
      ),
      leak('in make (/lib/libstdc++.so.6+0x99)', '(/home/hailstream/addon/build/standin-address/libhailort.so+0x12)'),
    ]
    expect(ownFaults(report(...leaks))).toEqual(leaks)
  })

  it('is no leak of Node’s, also where the addon asked for the thing, nor another addon’s', () => {
    const theirs = [
      leak(`in napi_create_external ${node}`, 'in wrap /home/hailstream/addon/src/binding/pool.cc:100'),
      leak(`in node::Start ${node}`),
      leak('in napi_register_module_v1 (/home/hailstream/node_modules/other/other.node+0xe7)'),
    ]
    expect(ownFaults(report(...theirs))).toEqual([])
  })
})
