/**
 * Every disk call of the file backend, in one object.
 *
 * Calls go through its properties at the moment they are made, so that a test can replace one and let its n-th call
 * fail. It adds nothing: no retries, no defaults. watch.ts has its own way to the disk.
 */
import type nodeFs from 'node:fs'

// An import of it would load all of Node's streams, for names that nobody here asks for: most of what importing foldlog took.
const fs: typeof nodeFs = process.getBuiltinModule('node:fs')

/** Flags of files, by the names of the system. */
export const constants: typeof nodeFs.constants = fs.constants

/** The calls the file backend makes. Mutable on purpose: tests of failing disks replace members. */
export interface Io {
  openSync: typeof nodeFs.openSync
  closeSync: typeof nodeFs.closeSync
  readSync: typeof nodeFs.readSync
  writeSync: typeof nodeFs.writeSync
  statSync: typeof nodeFs.statSync
  lstatSync: typeof nodeFs.lstatSync
  fstatSync: typeof nodeFs.fstatSync
  statfsSync: typeof nodeFs.statfsSync
  readdirSync: typeof nodeFs.readdirSync
  mkdirSync: typeof nodeFs.mkdirSync
  futimesSync: typeof nodeFs.futimesSync
  renameSync: typeof nodeFs.renameSync
  linkSync: typeof nodeFs.linkSync
  unlinkSync: typeof nodeFs.unlinkSync
  accessSync: typeof nodeFs.accessSync
  readFile: typeof nodeFs.promises.readFile
  copyFile: typeof nodeFs.promises.copyFile
  fdatasync: typeof nodeFs.fdatasync
  fdatasyncSync: typeof nodeFs.fdatasyncSync
  fsync: typeof nodeFs.fsync
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
