/**
 * What kind of disk a directory lies on, and what that means for sessions. Told on Linux only; elsewhere the kinds are not numbered the same way.
 */
import { statfsSync } from 'node:fs'
import { networkDisk } from '../backends/file/network.ts'

export interface Disk {
  readonly kind: string
  /** Whether it is reached by several machines, which must not append to one file. */
  readonly isNetwork: boolean
  /** What a user has to know. Absent: it is a disk like any other. */
  readonly caveat?: string
}

/** By the numbers of Linux' `statfs`. */
const LOCAL: ReadonlyMap<number, readonly [kind: string, caveat?: string]> = new Map<
  number,
  readonly [string, string?]
>([
  [0xef53, ['ext4']],
  [0x58465342, ['XFS']],
  [0x9123683e, ['btrfs']],
  [0x2fc12fc1, ['ZFS']],
  [0xf2f52010, ['F2FS']],
  [0xca451a4e, ['bcachefs']],
  [0x5346544e, ['NTFS']],
  [0x4d44, ['FAT', 'it keeps no permissions: whoever can reach the disk can read the sessions']],
  [0x01021994, ['tmpfs', 'it is memory: the sessions are gone when this machine restarts']],
  [0x858458f6, ['ramfs', 'it is memory: the sessions are gone when this machine restarts']],
  [
    0x794c7630,
    ['overlay', "it is a container's own: the sessions are gone with the container, unless a volume is mounted here"],
  ],
])

/** The disk under a directory that is there; undefined if it cannot be told. */
export function diskOf(directory: string): Disk | undefined {
  if (process.platform !== 'linux') return undefined
  const network = networkDisk(directory)
  if (network !== undefined) return { kind: network, isNetwork: true }
  const [kind, caveat] = LOCAL.get(statfsSync(directory).type) ?? []
  if (kind === undefined) return undefined
  return { kind, isNetwork: false, ...(caveat === undefined ? {} : { caveat }) }
}
