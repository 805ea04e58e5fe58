import type { Kill, Point } from './plan-life.ts'

/** Kills this process when it passes a point for the nth time. */
export class Trap {
  readonly #kill: Kill | undefined
  #passed = 0
  isArmed = false

  constructor(kill: Kill | undefined) {
    this.#kill = kill
  }

  pass(point: Point): void {
    const kill = this.#kill
    if (!this.isArmed || kill?.kind !== 'point' || kill.point !== point) return
    // SIGKILL to oneself is there before the call returns: nothing runs after it.
    if (++this.#passed === kill.hit) process.kill(process.pid, 'SIGKILL')
  }
}
