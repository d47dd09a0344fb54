import { describe, expect, it } from 'vitest'
import { error, ok, warning } from '../../engine/doctor/finding.ts'
import { toJson, toText } from '../../engine/doctor/report.ts'

const findings = [
  ok('node', 'Node 22'),
  warning('swap', { detail: 'No swap', fix: 'sudo apt install zram-tools' }),
  error('hailo-device', { detail: 'a name with \u001b[2J an escape\nand a break', fix: 'sudo reboot' }),
]

describe('the report of the doctor', () => {
  it('aligns its lines, gives each fix a line of its own, and counts at the end', () => {
    expect(toText(findings, 'plain')).toBe(
      [
        'ok       node          Node 22',
        'warning  swap          No swap',
        '                       fix: sudo apt install zram-tools',
        'error    hailo-device  a name with [2J an escape and a break',
        '                       fix: sudo reboot',
        '',
        '1 ok, 1 warning, 1 error',
        '',
      ].join('\n'),
    )
    expect(toText([ok('node', 'Node 22')], 'plain')).toBe('ok       node  Node 22\n\n1 ok, 0 warnings, 0 errors\n')
  })

  it('colours the states alone, where it is asked to', () => {
    expect(toText(findings, 'coloured').split('\n')[1]).toBe('\u001b[33mwarning\u001b[0m  swap          No swap')
  })

  it('tells programs the version, the worst state and all findings', () => {
    expect(JSON.parse(toJson(findings, '0.1.0'))).toEqual({ version: '0.1.0', status: 'error', checks: findings })
    expect(JSON.parse(toJson(findings.slice(0, 2), '0.1.0'))).toMatchObject({ status: 'warning' })
    expect(JSON.parse(toJson([], '0.1.0'))).toMatchObject({ status: 'ok', checks: [] })
  })
})
