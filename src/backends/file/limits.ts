/**
 * What the file backend takes. Apart from what encodes lines, as it is said before one is written.
 */

/** Longer lines are refused with `TOO_LARGE`. */
export const MAX_LINE_BYTES: number = 64 * 1024 * 1024
