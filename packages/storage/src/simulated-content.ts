/** What power cuts keep or lose as a whole, unless it is torn. */
export const sectorBytes = 512;

/** The bytes of one simulated file: what readers see now, and what each sector held when it was last durable. */
export class SimulatedContent {
  size = 0;
  #bytes = new Uint8Array(sectorBytes);
  #durableSize = 0;
  /** Unsynced sectors: their durable content. */
  #unsynced = new Map<number, Uint8Array>();
  /** Sectors that a failed sync marked clean: their durable content. Only writing them again makes a sync save them. */
  #lost = new Map<number, Uint8Array>();

  read(position: number, length: number): Uint8Array {
    return this.#bytes.slice(Math.min(position, this.size), Math.min(position + length, this.size));
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#reach(end);
    this.#remember(Math.min(position, this.size), end);
    this.#bytes.set(bytes, position);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    this.#reach(size);
    if (size < this.size) {
      this.#remember(size, this.size);
      this.#bytes.fill(0, size, this.size);
    }
    this.size = size;
  }

  /** What a sync that begins now will make durable. */
  capture(): { sectors: Map<number, Uint8Array>; size: number } {
    return { sectors: new Map([...this.#unsynced.keys()].map((sector) => [sector, this.#sector(sector)])), size: this.size };
  }

  sync(captured?: { sectors: Map<number, Uint8Array>; size: number }): void {
    if (captured === undefined) {
      this.#unsynced.clear();
      this.#durableSize = this.size;
      return;
    }
    for (const [sector, content] of captured.sectors) {
      if (Buffer.compare(content, this.#at(sector)) === 0) this.#unsynced.delete(sector);
      else this.#unsynced.set(sector, content); // written again meanwhile
    }
    this.#durableSize = captured.size;
  }

  markClean(): void {
    for (const [sector, content] of this.#unsynced) this.#lost.set(sector, content);
    this.#unsynced.clear();
  }

  flip(offset: number, bit: number): void {
    if (offset >= this.size) throw new RangeError(`no byte at ${offset}`);
    this.#bytes[offset] ^= 1 << bit;
  }

  crash(keep: "random" | "none" | "all", random: () => number): void {
    const old = [...this.#lost, ...this.#unsynced].sort(([a], [b]) => a - b);
    for (const [sector, before] of old) {
      const choice = keep === "all" ? 0 : keep === "none" ? 1 : random() % 4;
      const at = sector * sectorBytes;
      if (choice === 1 || choice === 2) this.#bytes.set(before, at);
      if (choice === 3) {
        const torn = random() % sectorBytes; // new before the tear, old behind it
        this.#bytes.set(before.subarray(torn), at + torn);
      }
    }
    if (keep === "none") this.#resize(this.#durableSize);
    if (keep === "random" && this.size !== this.#durableSize) {
      const [low, high] = [Math.min(this.size, this.#durableSize), Math.max(this.size, this.#durableSize)];
      const choice = random() % 3;
      this.#resize(choice === 0 ? low : choice === 1 ? high : low + (random() % (high - low + 1)));
    }
    this.#unsynced.clear();
    this.#lost.clear();
    this.#durableSize = this.size;
  }

  clone(): SimulatedContent {
    const other = new SimulatedContent();
    other.#bytes = this.#bytes.slice();
    other.size = this.size;
    other.#durableSize = this.size;
    return other;
  }

  #resize(size: number): void {
    this.#reach(size);
    this.size = size;
    this.#bytes.fill(0, size);
  }

  #sector(sector: number): Uint8Array {
    return this.#at(sector).slice();
  }

  #at(sector: number): Uint8Array {
    return this.#bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes);
  }

  #remember(from: number, to: number): void {
    for (let sector = Math.floor(from / sectorBytes); sector * sectorBytes < to; sector++) {
      if (this.#unsynced.has(sector)) continue;
      this.#unsynced.set(sector, this.#lost.get(sector) ?? this.#sector(sector));
      this.#lost.delete(sector);
    }
  }

  /** Room for this many bytes, in whole sectors; what is behind the size is zero. */
  #reach(end: number): void {
    if (end <= this.#bytes.length) return;
    const room = Math.max(this.#bytes.length * 2, Math.ceil(end / sectorBytes) * sectorBytes);
    const bytes = new Uint8Array(room);
    bytes.set(this.#bytes.subarray(0, this.size));
    this.#bytes = bytes;
  }
}
