/**
 * What is told of a log: the events that came, and how; what went; that it is gone.
 */
import type { Origin } from './bus.ts'
import type { SessionEvent } from './event.ts'

/** An event that was folded, and how it came. */
export interface Arrival {
  readonly event: SessionEvent
  readonly origin: Origin
  readonly isLate: boolean
}

/** What listeners hear after each flush or look that found something. */
export type Change =
  | { readonly kind: 'events'; readonly arrivals: readonly Arrival[] }
  | { readonly kind: 'rewound'; readonly missing: readonly SessionEvent[]; readonly added: readonly SessionEvent[] }
  | { readonly kind: 'deleted'; readonly origin: Origin }

/** What one flush or look brought. */
export class News {
  readonly arrivals: Arrival[] = []
  /** What counted before does no longer: the fold has to be made again. */
  rewound: { readonly missing: SessionEvent[]; readonly added: SessionEvent[] } | undefined
}

/** Whether there is nothing to tell. */
export function isNothing({ arrivals, rewound }: News): boolean {
  return arrivals.length === 0 && rewound === undefined
}

/** The info says how much damage there is, which may come and go without an event. */
export const DAMAGE_CHANGED: Change = { kind: 'events', arrivals: [] }
