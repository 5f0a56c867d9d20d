/**
 * File systems of a test's own, unmounted after it. Needs root; ask `needs` of machine.ts first.
 */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { run } from './machine.ts'
import { temp } from './temp.ts'

/** A fresh folder on a tmpfs of so many bytes. */
export function tmpfs(sizeBytes: number): string {
  const folder = temp()
  run('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder)
  onTestFinished(() => unmount(folder))
  return folder
}

/** An ext4 in a file of its own, mounted through a loop device. */
export class LoopDisk {
  readonly folder: string
  /** The file that holds the file system: what a disk would hold. */
  readonly image: string
  #isMounted = false

  constructor(image?: string) {
    const base = temp()
    this.folder = `${base}/mounted`
    mkdirSync(this.folder)
    this.image = image ?? `${base}/image`
    if (image === undefined) {
      writeFileSync(this.image, '')
      truncateSync(this.image, 128 << 20)
      run('mkfs.ext4', '-q', '-F', '-m', '0', this.image)
    }
    onTestFinished(() => this.unmount())
    this.mount()
  }

  mount(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.image, this.folder)
    this.#isMounted = true
  }

  unmount(): void {
    if (!this.#isMounted) return
    unmount(this.folder)
    this.#isMounted = false
  }

  /** The kernel finds an error in it: from then on it is read-only. */
  fail(): void {
    const device = run('findmnt', '-n', '-o', 'SOURCE', this.folder).trim().replace('/dev/', '')
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, 'injected')
  }
}

function unmount(folder: string): void {
  // What was opened there by a process that is being killed may still be open: it goes with the last of it.
  run('umount', '--lazy', folder)
}
