/**
 * The schemas of what is on disk, for those who check logs with tools of their own: `foldlog/schemas`.
 *
 * The JSON Schema is generated from the schemas that the library itself uses; docs/schema/line.schema.json is the same
 * thing as a file.
 */
import { lineJsonSchema } from './event.ts'
import { deepFreeze } from './json.ts'

export { dataSchemas } from './event.ts'

/** The JSON Schema (draft 2020-12) of one line of a log. Frozen. */
export const lineSchema: object = deepFreeze(lineJsonSchema())
