/**
 * Whether a directory lies on a disk that several machines may reach, where appends to one file lose lines.
 *
 * Told by the kind of the file system, on Linux only: other systems do not number theirs the same way.
 */
import { dirname } from 'node:path'
import { isMissing } from './failure.ts'
import { io } from './io.ts'

/** By the numbers of Linux' `statfs`. What lies behind FUSE may be a network, and mostly is a share of some kind. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x0bd00bd0, 'Lustre'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
])

/** What kind of shared disk the directory, or the nearest one above that is there, lies on; undefined if on none that is known. */
export function networkDisk(directory: string): string | undefined {
  if (process.platform !== 'linux') return undefined
  for (let path = directory; ; path = dirname(path)) {
    try {
      return NETWORK.get(io.statfsSync(path).type)
    } catch (error) {
      // What it is on decides where it will be made. What cannot be asked is told by whoever uses it.
      if (!isMissing(error) || path === dirname(path)) return undefined
    }
  }
}
