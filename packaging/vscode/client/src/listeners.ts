/** Who wants to hear of something. A listener that throws is reported, and keeps nobody else from hearing. */
export class Listeners<T> {
  readonly #all = new Set<(news: T) => void>();

  /** Add a listener; returns what removes it. */
  add(listener: (news: T) => void): () => void {
    const own = (news: T): void => {
      listener(news);
    };
    this.#all.add(own);
    return () => {
      this.#all.delete(own);
    };
  }

  tell(news: T): void {
    for (const listener of [...this.#all]) {
      try {
        listener(news);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
}
