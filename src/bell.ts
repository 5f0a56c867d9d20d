/**
 * What wakes those who follow something: a ring, or the time.
 */

/** Something to wait for that may ring before one waits. */
export class Bell {
  #hasRung = false
  #wakeUp: (() => void) | undefined

  ring(): void {
    this.#hasRung = true
    this.#wakeUp?.()
  }

  reset(): void {
    this.#hasRung = false
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.#hasRung) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wakeUp = undefined
  }
}
