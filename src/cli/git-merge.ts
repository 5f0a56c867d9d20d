/**
 * `foldlog git-merge`: the merge driver, which git calls with the base, our file and theirs, and which leaves the result in ours.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { storageError } from '../backends/file/failure.ts'
import { mergeLogs } from '../git/merge.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { bytesOf } from './files.ts'

export async function gitMerge(call: Call): Promise<Exit> {
  const [base, path, theirs] = call.args as readonly [string, string, string]
  const [before, our, their] = [base, path, theirs].map((each) => Buffer.concat([...bytesOf(each)]))
  try {
    // As a whole or not at all: git goes on with the file if this fails.
    writeFileSync(`${path}.tmp`, mergeLogs(before!, our!, their!))
    renameSync(`${path}.tmp`, path)
  } catch (error) {
    throw storageError(error, 'write', { path })
  }
  return EXIT.ok
}
