import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { remove } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'no microphone where a pipeline asks for one',
    check: 'microphones',
    state: 'error',
    change: (machine) => remove(machine, '/proc/asound/pcm'),
    set: ['pipelines=[{ name: a, streams: { voice: { source: microphone } }, publish: [voice] }]'],
    detail: 'No microphone, and a pipeline asks for one',
    fix: /cat \/proc\/asound\/cards$/,
  },
  {
    title: 'a microphone that the service may not use',
    check: 'microphones',
    state: 'warning',
    change: ({ files }) => (files['/etc/group'] = String(files['/etc/group']).replace('29:pi,hailstream', '29:pi')),
    detail: 'hailstream may not use USB Audio (/dev/snd/pcmC2D0c, group audio)',
    fix: 'sudo usermod -aG audio hailstream && sudo systemctl restart hailstream',
  },
]

describe('the doctor on microphones', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
