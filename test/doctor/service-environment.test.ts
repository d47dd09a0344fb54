import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { serviceEnvironment } from '../../engine/doctor/service-environment.ts'
import { projectRoot } from '../../engine/root.ts'

const shipped = readFileSync(join(projectRoot, 'systemd/hailstream.service'), 'utf8')
const ours = shipped.replace('/opt/hailstream/dist', `${projectRoot}/dist`)

function readerOf(files: Readonly<Record<string, string>>) {
  return (file: string) => {
    const text = files[file]
    if (text === undefined) throw new Error('ENOENT')
    return text
  }
}

describe('the environment that the doctor takes from the service', () => {
  it('is that of the unit that starts this program, and of its file', () => {
    const read = readerOf({
      '/etc/systemd/system/hailstream.service': ours,
      '/etc/hailstream/environment': '# mine\nHAILSTREAM_PORT="9000"\nHAILSTREAM_TOKEN=abc=\nPATH=/bin\n',
    })
    expect(serviceEnvironment(read)).toEqual({
      HAILSTREAM_CONFIG: '/etc/hailstream/hailstream.yaml',
      HAILSTREAM_PIPELINES: '/etc/hailstream/pipelines',
      HAILSTREAM_STATE: '/var/lib/hailstream',
      HAILSTREAM_PORT: '9000',
      HAILSTREAM_TOKEN: 'abc=',
    })
  })

  it('is that of the unit alone where its file may not be read, and empty for a unit of another program or none', () => {
    expect(serviceEnvironment(readerOf({ '/etc/systemd/system/hailstream.service': ours }))).toMatchObject({
      HAILSTREAM_STATE: '/var/lib/hailstream',
    })
    const other = ours.replace(`${projectRoot}/dist`, '/opt/other/dist')
    expect(serviceEnvironment(readerOf({ '/etc/systemd/system/hailstream.service': other }))).toEqual({})
    expect(serviceEnvironment(readerOf({}))).toEqual({})
  })
})
