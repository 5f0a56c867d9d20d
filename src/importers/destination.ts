/**
 * What importers need of a store. Types only.
 */
import type { Store } from '../store.ts'

/** Where imported sessions go: a store, and in it the namespace it is of. */
export type Destination = Pick<Store, 'name' | 'capabilities' | 'merge' | 'putFile'>

/** The part that attachments go to. */
export type FileDestination = Pick<Store, 'capabilities' | 'putFile'>
