/** What is waited for knows itself whether it is done: a set would hash each item twice. */
export interface Arrived {
  isDone: boolean
}

/** Items in the order in which they came, without those that are done. */
export class Arrivals<Item extends Arrived> {
  #items: Item[] = []
  #head = 0

  add(item: Item): void {
    this.#items.push(item)
  }

  /** Lets go of those at the front that are done, in blocks, so that it costs nothing per item. */
  forget(): void {
    while (this.#items[this.#head]?.isDone === true) this.#head++
    if (this.#head > 1024 || this.#head === this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
  }

  /** Calls `take` for each that is not done, from the oldest on, until it says that this is enough. */
  until(take: (item: Item) => boolean): void {
    for (let index = this.#head; index < this.#items.length; index++) {
      const item = this.#items[index]!
      if (!item.isDone && take(item)) return
    }
  }
}
