/**
 * How often a test that is a matter of chance is repeated.
 */

const isLong = process.env['FOLDLOG_ROUNDS'] === 'long'

/** The stated number if `FOLDLOG_ROUNDS` is `long`, otherwise a tenth of it, but at least three. */
export function rounds(stated: number): number {
  return isLong ? stated : Math.max(3, Math.round(stated / 10))
}

/** What a test with rounds is given to finish: options for `test`. */
export const PATIENT: { readonly timeout: number } = { timeout: isLong ? 3_600_000 : 120_000 }
