/** Items in the order in which they came, without those that are done. */
export class Arrivals<Item extends object> {
  #items: Item[] = []
  #head = 0
  readonly #done = new Set<Item>()

  add(item: Item): void {
    this.#items.push(item)
  }

  done(item: Item): void {
    this.#done.add(item)
    while (this.#head < this.#items.length && this.#done.delete(this.#items[this.#head]!)) {
      this.#head++
    }
    // In blocks, so that it costs nothing per item.
    if (this.#head > 1024 || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }

  /** From the oldest on. */
  *from(): Generator<Item, void, undefined> {
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index]!
      if (!this.#done.has(item)) yield item
    }
  }
}
