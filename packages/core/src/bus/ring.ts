/** A first-in, first-out list in a circle of slots: adding and taking cost the same at any length. */
export class Ring<Item> {
  #slots: (Item | undefined)[] = Array.from({ length: 16 })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: Item): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#size++) & (this.#slots.length - 1)] = item
  }

  peek(): Item | undefined {
    return this.#slots[this.#head]
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined
    const item = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#size--
    return item
  }

  /** The length stays a power of two, so that a place is found by a mask. */
  #grow(): void {
    const slots: (Item | undefined)[] = Array.from({ length: this.#slots.length * 2 })
    for (let index = 0; index < this.#size; index++) {
      slots[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)]
    }
    this.#slots = slots
    this.#head = 0
  }
}
