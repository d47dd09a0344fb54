import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'
import { remove, unit } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a unit that is not loaded',
    check: 'service',
    state: 'error',
    change: ({ programs }) => (programs['systemctl show hailstream.service'] = unit({ LoadState: 'bad-setting' })),
    detail: 'systemd did not load the unit: bad-setting',
    fix: /^sudo systemctl daemon-reload/,
  },
  {
    title: 'a service that stopped for a mistake in its settings',
    check: 'service',
    state: 'error',
    change: ({ programs }) =>
      (programs['systemctl show hailstream.service'] = unit({
        ActiveState: 'failed',
        Result: 'exit-code',
        ExecMainStatus: '2',
      })),
    detail: /mistake in the settings/,
    fix: 'sudo journalctl -u hailstream -e -n 50  # mend it, then: sudo systemctl restart hailstream',
  },
  {
    title: 'a service whose Node is gone',
    check: 'service',
    state: 'error',
    change: ({ programs }) =>
      (programs['systemctl show hailstream.service'] = unit({
        ActiveState: 'failed',
        Result: 'exit-code',
        ExecMainStatus: '203',
      })),
    detail: /Node is not where the unit says$/,
    fix: /sh systemd\/install\.sh$/,
  },
  {
    title: 'a service that failed otherwise',
    check: 'service',
    state: 'error',
    change: ({ programs }) =>
      (programs['systemctl show hailstream.service'] = unit({
        ActiveState: 'failed',
        Result: 'watchdog',
        ExecMainStatus: '6',
      })),
    detail: 'It failed: watchdog, exit status 6',
    fix: /journalctl -u hailstream.*systemctl restart hailstream$/,
  },
  {
    title: 'a service that is not enabled',
    check: 'service',
    state: 'warning',
    change: ({ programs }) => (programs['systemctl show hailstream.service'] = unit({ UnitFileState: 'disabled' })),
    detail: 'It does not start with the machine',
    fix: 'sudo systemctl enable hailstream',
  },
  {
    title: 'a service that does not run',
    check: 'service',
    state: 'warning',
    change: ({ programs }) => (programs['systemctl show hailstream.service'] = unit({ ActiveState: 'inactive' })),
    detail: 'It does not run: inactive',
    fix: /^sudo systemctl restart hailstream/,
  },
  {
    title: 'a service that is started again and again',
    check: 'service',
    state: 'warning',
    change: ({ programs }) => (programs['systemctl show hailstream.service'] = unit({ NRestarts: '12' })),
    detail: 'It was started again 12 times',
    fix: /journalctl -u hailstream/,
  },
  {
    title: 'a doctor that looked at other settings than the service has',
    check: 'service',
    name: 'service-settings',
    state: 'warning',
    change: ({ programs }) =>
      (programs['systemctl show hailstream.service'] = unit({
        Environment: 'NODE_ENV=production HAILSTREAM_STATE=/srv/hailstream HAILSTREAM_CONFIG=/etc/h.yaml',
      })),
    detail:
      'The service keeps its files in /srv/hailstream, and the doctor looked at /var/lib/hailstream: settings differ',
    fix: /^sudo env HAILSTREAM_STATE=\/srv\/hailstream HAILSTREAM_CONFIG=\/etc\/h\.yaml \/usr\/bin\/node .*main\.js doctor$/,
  },
  {
    title: 'a journal in memory',
    check: 'journal',
    state: 'warning',
    change: (machine) => remove(machine, '/var/log/journal'),
    detail: /^The journal is lost at each start of the machine/,
    fix: /Storage=persistent.*systemctl restart systemd-journald$/,
  },
  {
    title: 'a journal that Raspberry Pi OS keeps in memory in spite of its folder',
    check: 'journal',
    state: 'warning',
    change: ({ files }) =>
      (files['/usr/lib/systemd/journald.conf.d/40-rpi-volatile-storage.conf'] = '[Journal]\nStorage=volatile\n'),
    detail: /^The journal is lost/,
    fix: /90-keep\.conf/,
  },
]

describe('the doctor on the service', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
