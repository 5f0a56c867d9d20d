/**
 * What is told of a log: the events that came, and how; what went; that it is gone.
 */
import type { Origin } from './bus.ts'
import type { SessionEvent } from './event.ts'
import { deepFreeze } from './json.ts'
import type { LineSet } from './lines.ts'
import { withOne } from './pending.ts'

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
  arrivals: Arrival[] = []
  /** What counted before does no longer: the fold has to be made again. */
  rewound: { readonly missing: SessionEvent[]; readonly added: SessionEvent[] } | undefined

  add(arrival: Arrival): void {
    this.arrivals = withOne(this.arrivals, arrival)
  }

  /** What came and was overruled before anybody was told, as by its redaction, is told as what counts of it now, or not at all. */
  settle(lines: LineSet): void {
    if (this.rewound === undefined || this.arrivals.length === 0) return
    const came = new Set(this.arrivals.map(({ event }) => event.id))
    this.arrivals = this.arrivals.flatMap((arrival) => {
      const event = lines.event(arrival.event.id)
      return event === undefined ? [] : [{ ...arrival, event: deepFreeze(event) }]
    })
    const isTold = ({ id }: SessionEvent): boolean => !came.has(id)
    this.rewound = { missing: this.rewound.missing.filter(isTold), added: this.rewound.added.filter(isTold) }
  }
}

/** Whether there is nothing to tell. */
export function isNothing({ arrivals, rewound }: News): boolean {
  return arrivals.length === 0 && rewound === undefined
}

/** The info says how much damage there is, which may come and go without an event. */
export const DAMAGE_CHANGED: Change = { kind: 'events', arrivals: [] }
