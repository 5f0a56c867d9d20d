/**
 * Every disk call of the file backend, in one object.
 *
 * Calls go through its properties at the moment they are made, so that a test can replace one and let its n-th call
 * fail. It adds nothing: no retries, no defaults. watch.ts has its own way to the disk.
 */
import fs from 'node:fs'

/** The calls the file backend makes. Mutable on purpose: tests of failing disks replace members. */
export interface Io {
  openSync: typeof fs.openSync
  closeSync: typeof fs.closeSync
  readSync: typeof fs.readSync
  writeSync: typeof fs.writeSync
  statSync: typeof fs.statSync
  lstatSync: typeof fs.lstatSync
  fstatSync: typeof fs.fstatSync
  statfsSync: typeof fs.statfsSync
  readdirSync: typeof fs.readdirSync
  mkdirSync: typeof fs.mkdirSync
  futimesSync: typeof fs.futimesSync
  renameSync: typeof fs.renameSync
  linkSync: typeof fs.linkSync
  unlinkSync: typeof fs.unlinkSync
  accessSync: typeof fs.accessSync
  readFile: typeof fs.promises.readFile
  copyFile: typeof fs.promises.copyFile
  fdatasync: typeof fs.fdatasync
  fdatasyncSync: typeof fs.fdatasyncSync
  fsync: typeof fs.fsync
}

export const io: Io = {
  openSync: fs.openSync,
  closeSync: fs.closeSync,
  readSync: fs.readSync,
  writeSync: fs.writeSync,
  statSync: fs.statSync,
  lstatSync: fs.lstatSync,
  fstatSync: fs.fstatSync,
  statfsSync: fs.statfsSync,
  readdirSync: fs.readdirSync,
  mkdirSync: fs.mkdirSync,
  futimesSync: fs.futimesSync,
  renameSync: fs.renameSync,
  linkSync: fs.linkSync,
  unlinkSync: fs.unlinkSync,
  accessSync: fs.accessSync,
  readFile: fs.promises.readFile,
  copyFile: fs.promises.copyFile,
  fdatasync: fs.fdatasync,
  fdatasyncSync: fs.fdatasyncSync,
  fsync: fs.fsync,
}
