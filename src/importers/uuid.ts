import { LAST_TIME } from './fields.ts'

/** The time that is in a UUID of version 7, in ms since the epoch: what is made of it is known by the id alone. Pure. */
export function uuidTime(id: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id)
  const time = match === null ? Infinity : Number.parseInt(`${match[1]}${match[2]}`, 16)
  return time < LAST_TIME ? time : undefined
}
