/**
 * `foldlog git-merge`: the merge driver, which git calls with the base, our file and theirs, and which leaves the result in ours.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { storageError } from '../backends/file/failure.ts'
import { mergeLogs } from '../git/merge.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { bytesOf } from './files.ts'

export async function gitMerge(call: Call): Promise<Exit> {
  const [base, ours, theirs, ...rest] = call.args
  if (theirs === undefined || rest.length > 0) {
    throw new Failure(EXIT.usage, 'git-merge needs three files: BASE OURS THEIRS', call.help())
  }
  const [before, our, their] = [base!, ours!, theirs].map((path) => Buffer.concat([...bytesOf(path)]))
  const path = ours!
  try {
    // As a whole or not at all: git goes on with the file if this fails.
    writeFileSync(`${path}.tmp`, mergeLogs(before!, our!, their!))
    renameSync(`${path}.tmp`, path)
  } catch (error) {
    throw storageError(error, 'write', { path })
  }
  return EXIT.ok
}
