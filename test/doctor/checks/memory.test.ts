import { describe, it } from 'vitest'
import { expectTold, type Trouble, titled } from '../../support/doctor.ts'

const troubles: Trouble[] = [
  {
    title: 'hardly any memory',
    check: 'memory',
    state: 'error',
    change: ({ files }) => (files['/proc/meminfo'] = String(files['/proc/meminfo']).replace('6900000', '90000')),
    detail: /^Expected 134 MB of memory for another host, found 92 MB/,
    fix: /ps -eo rss,pid,comm --sort=-rss/,
  },
  {
    title: 'a budget that the memory cannot hold, and no swap',
    check: 'memory',
    name: 'memory-budget',
    state: 'warning',
    change: ({ files }) =>
      (files['/proc/meminfo'] = 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\nSwapTotal: 0 kB\n'),
    detail: 'models may take 4.0 GB of 4.1 GB: the system needs its part too',
    fix: 'Set in hailstream.yaml: models: { budget: { host: 3000MB } }',
  },
  {
    title: 'no swap beside little memory',
    check: 'memory',
    name: 'swap',
    state: 'warning',
    change: ({ files }) =>
      (files['/proc/meminfo'] = 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\nSwapTotal: 0 kB\n'),
    detail: /^No swap beside 4\.1 GB of memory/,
    fix: 'sudo apt install zram-tools && sudo systemctl restart zramswap',
  },
  {
    title: 'processes that the kernel has ended',
    check: 'memory',
    name: 'oom',
    state: 'warning',
    change: ({ files }) => (files['/proc/vmstat'] = 'oom_kill 3\n'),
    detail: /ended 3 processes because memory ran out$/,
    fix: /sudo journalctl -k -g "Out of memory"$/,
  },
  {
    title: 'an engine that would be ended before its hosts',
    check: 'limits',
    name: 'oom-score',
    state: 'warning',
    change: ({ files }) => (files['/proc/self/oom_score_adj'] = '800\n'),
    detail: /^Expected an oom_score_adj under 500, that of a host, found 800/,
    fix: /^echo 0 \| sudo tee/,
  },
  {
    title: 'a low limit of open files',
    check: 'limits',
    name: 'descriptors',
    state: 'warning',
    change: ({ files }) =>
      (files['/proc/self/limits'] = 'Max open files            256                  256                  files     \n'),
    detail: 'Expected a limit of 1024 open files or more, found 256',
    fix: /LimitNOFILE=65536$/,
  },
]

describe('the doctor on memory and limits', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
