import { describe, it } from 'vitest'
import { expectTold, holdPort, type Trouble, titled } from '../../support/doctor.ts'
import { addProcess } from '../../support/fake-system.ts'

const troubles: Trouble[] = [
  {
    title: 'a port that another program holds',
    check: 'port',
    state: 'error',
    change: (machine) => {
      holdPort(machine, 8080)
      addProcess(machine, 500, { comm: 'nginx', opens: 'socket:[4711]', cgroup: '/system.slice/nginx.service' })
    },
    detail: '127.0.0.1:8080 is held by nginx (process 500)',
    fix: 'sudo systemctl disable --now nginx.service  # or let hailstream listen elsewhere: --port 8081',
  },
  {
    title: 'a port that somebody unseen holds, who answers with other JSON',
    check: 'port',
    state: 'error',
    change: (machine) => {
      holdPort(machine, 8080)
      machine.answers['http://127.0.0.1:8080/api/health'] = '{"status":"ok"}'
    },
    detail: '127.0.0.1:8080 is held by another program',
    fix: "sudo ss -lptn 'sport = :8080'  # or let hailstream listen elsewhere: --port 8081",
  },
  {
    title: 'a port for root',
    check: 'port',
    state: 'error',
    change: ({ ports }) => (ports['127.0.0.1:80'] = 'EACCES'),
    set: ['listen.port=80'],
    detail: '127.0.0.1:80: ports under 1024 are for root',
    fix: 'Use --port 8080, or: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80',
  },
  {
    title: 'an address of another machine',
    check: 'port',
    state: 'error',
    change: ({ ports }) => (ports['10.1.2.3:8080'] = 'EADDRNOTAVAIL'),
    set: ['listen.host=10.1.2.3'],
    detail: 'listen.host 10.1.2.3 is no address of this machine (EADDRNOTAVAIL)',
    fix: /ip -brief address$/,
  },
  {
    title: 'a port that cannot be bound for another reason',
    check: 'port',
    state: 'error',
    change: ({ ports }) => (ports['127.0.0.1:8080'] = 'EPERM'),
    detail: '127.0.0.1:8080 cannot be listened on: EPERM',
    fix: 'Use another --host or --port',
  },
  {
    title: 'an extra port that Ollama holds',
    check: 'extra-ports',
    state: 'warning',
    change: (machine) => {
      holdPort(machine, 11434)
      addProcess(machine, 501, { comm: 'ollama', opens: 'socket:[4711]', cgroup: '/system.slice/ollama.service' })
    },
    set: ['compat.ollama=true'],
    detail: 'The extra port 11434 is held by ollama (process 501): hailstream does not answer there',
    fix: 'sudo systemctl disable --now ollama.service',
  },
]

describe('the doctor on ports', () => {
  it.each(titled(troubles))('tells of %s', expectTold)
})
