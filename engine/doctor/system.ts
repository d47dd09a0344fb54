import type { DiskSpace } from '../resource-watch.ts'

/** Owner, rights and size of a file, device or folder. */
export interface FileStatus {
  readonly kind: 'file' | 'folder' | 'device' | 'other'
  /** The lowest nine bits: `0o660`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes. */
  readonly size: number
  /** Last change, Unix ms. */
  readonly changedAt: number
}

/** How a program ended: it is not installed, did not end in time and was killed, or ended. */
export type Outcome =
  | { readonly end: 'missing' }
  | { readonly end: 'late' }
  | {
      readonly end: 'exit'
      /** Null when a signal ended it. */
      readonly status: number | null
      readonly signal: string | null
      readonly stdout: string
      readonly stderr: string
    }

/** How long a program may take (10 s), and the folder that it runs in (`/`). */
export interface RunOptions {
  readonly deadlineMs?: number
  readonly cwd?: string
}

/** The process that looks. */
export interface OwnProcess {
  readonly uid: number
  readonly gid: number
  /** Active groups, which are those of the last login. */
  readonly groups: readonly number[]
  /** Of Node: `20.11.0`, `115`, `x64`, `linux`. */
  readonly nodeVersion: string
  readonly abi: string
  readonly architecture: string
  readonly platform: string
  /** Path of the Node that runs. */
  readonly nodePath: string
  readonly environment: Readonly<Record<string, string | undefined>>
}

/**
 * All that the checks may see of the machine. What is absent or forbidden is `undefined`; nothing throws but `diskSpace`, as
 * `statfs` does. Nothing changes the machine, but for a port that is bound for a moment.
 */
export interface System {
  readonly own: OwnProcess
  /** Unix ms of the wall clock. */
  now(): number
  read(path: string): Promise<string | undefined>
  /** Names in a folder. */
  list(path: string): Promise<readonly string[] | undefined>
  stat(path: string): Promise<FileStatus | undefined>
  readLink(path: string): Promise<string | undefined>
  diskSpace(path: string): Promise<DiskSpace>
  /** Whether this process may write there, file systems that are read-only included. */
  canWrite(path: string): Promise<boolean>
  /** Runs a program without a shell; what it prints is in English. */
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<Outcome>
  /** Binds the port for a moment. Gives the system's code where that fails: `EADDRINUSE`, `EACCES`, … */
  tryListen(host: string, port: number): Promise<string | undefined>
  /** The body of an HTTP answer with status 200, 401 or 503 that comes within a second. */
  ask(url: string): Promise<string | undefined>
}

/** What a program printed, if it ended well. */
export function printedBy(outcome: Outcome): string | undefined {
  return outcome.end === 'exit' && outcome.status === 0 ? outcome.stdout.trim() : undefined
}
