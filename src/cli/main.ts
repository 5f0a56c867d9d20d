#!/usr/bin/env node
/**
 * The command line: reads the arguments, loads one verb, turns what it rejects with into a message and an exit code. What most calls do not
 * need is loaded by those that do.
 */
import { readFileSync } from 'node:fs'
import type { ErrorCode } from '../errors.ts'
import { readArguments } from './args.ts'
import { Call, command, EXIT, Failure, type Exit } from './call.ts'
import { Output } from './output.ts'

/** What the caller could have known: everything else was not there, or could not be read or written. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set(['INVALID_NAME', 'INVALID_OPTION', 'AMBIGUOUS'])

const out = new Output()
/** What is being done, once that is known. */
let call: Call | undefined
// Not `process.exit`: what is written and not yet taken by the reader would be lost.
process.exitCode = await main()

async function main(): Promise<Exit> {
  try {
    return await answer(process.argv.slice(2))
  } catch (error) {
    return await failed(error)
  } finally {
    await out.end()
  }
}

async function failed(error: unknown): Promise<Exit> {
  if (error instanceof Failure) {
    out.complain(error.message, ...error.hints)
    return error.exit
  }
  const { isFoldlogError } = await import('../errors.ts')
  // A bug is shown with its stack.
  if (!isFoldlogError(error)) throw error
  const { hintsOf } = await import('./hints.ts')
  out.complain(error.message, ...(call === undefined ? [] : hintsOf(error, call)))
  return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.notFound
}

async function answer(argv: readonly string[]): Promise<Exit> {
  const request = readArguments(argv)
  switch (request.kind) {
    case 'version':
      await out.line(version())
      return EXIT.ok
    case 'help': {
      const { helpOf, overview } = await import('./help.ts')
      await out.line(request.verb === undefined ? overview(out.width) : helpOf(request.verb, out.width))
      return EXIT.ok
    }
    case 'pick': {
      const isPlain = process.env['TERM'] === 'dumb' || request.values['json'] === true
      if (isPlain || !out.isTty || !process.stdin.isTTY) {
        throw new Failure(EXIT.usage, 'a verb is needed', command('--help'))
      }
      const { pickSession } = await import('./picker.ts')
      call = new Call(out, 'show', [], request.values)
      return pickSession(out, request.values)
    }
    case 'run': {
      const run = await request.verb.load()
      call = new Call(out, request.verb.name, request.args, request.values)
      if (request.verb.isPaged === true && !call.flag('no-pager')) out.page()
      return run(call)
    }
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
