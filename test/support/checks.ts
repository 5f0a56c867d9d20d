/**
 * Waiting for something to become so, by looking whenever there may be something new.
 */
export class Checks {
  readonly #checks = new Set<() => void>()

  /** Looks again, for all who wait. */
  look(): void {
    for (const check of this.#checks) check()
  }

  /** Looks now and then whenever it is told to: resolves when `isSo`. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isSo()) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }
}
