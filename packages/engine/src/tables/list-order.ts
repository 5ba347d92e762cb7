/** Tickets of one block: who asks for a place walks over that many rows at most. */
const blockTickets = 1024;
const pageShift = 16;

/**
 * The order of one list of pending jobs, so that a place in line can be told without walking along the line. Every job that enters at the
 * tail draws the next ticket; counted is how many of each 1,024 tickets are still in the list.
 */
export class ListOrder {
  /** The next ticket. */
  next = 0;
  jobs = 0;
  /** Lowest block that may have members. */
  firstBlock = 0;
  private counts = new Int32Array(4);

  get bytes(): number {
    return this.counts.byteLength;
  }

  draw(): number {
    if (this.jobs++ === 0) this.restart();
    const ticket = this.next++;
    const block = Math.floor(ticket / blockTickets);
    if (block - this.firstBlock >= this.counts.length) this.makeRoom(block);
    this.counts[block & (this.counts.length - 1)]++;
    return ticket;
  }

  /** A ticket for who goes before the head. Tickets below 0 are as good as others. */
  drawBefore(head: number): number {
    this.jobs++;
    const ticket = head - 1;
    const block = Math.floor(ticket / blockTickets);
    if (block < this.firstBlock) {
      const last = Math.floor((this.next - 1) / blockTickets);
      while (last - block >= this.counts.length) this.grow();
      this.firstBlock = block;
    }
    this.counts[block & (this.counts.length - 1)]++;
    return ticket;
  }

  giveBack(ticket: number): void {
    this.jobs--;
    this.counts[Math.floor(ticket / blockTickets) & (this.counts.length - 1)]--;
  }

  /** Members of the blocks before the ticket's own. */
  before(ticket: number): number {
    const block = Math.floor(ticket / blockTickets);
    let sum = 0;
    for (let b = this.firstBlock; b < block; b++) sum += this.counts[b & (this.counts.length - 1)];
    return sum;
  }

  sameBlock(ticket: number, other: number): boolean {
    return Math.floor(ticket / blockTickets) === Math.floor(other / blockTickets);
  }

  /** The list was emptied at once. */
  reset(): void {
    this.jobs = 0;
    this.restart();
  }

  private restart(): void {
    this.next = 0;
    this.firstBlock = 0;
    if (this.counts.length > 4) this.counts = new Int32Array(4);
    else this.counts.fill(0);
  }

  private makeRoom(block: number): void {
    const { counts } = this;
    while (this.firstBlock < block && counts[this.firstBlock & (counts.length - 1)] === 0) this.firstBlock++;
    if (block - this.firstBlock >= counts.length) this.grow();
  }

  private grow(): void {
    const { counts } = this;
    const bigger = new Int32Array(counts.length * 2);
    for (let b = this.firstBlock; b < this.firstBlock + counts.length; b++) bigger[b & (bigger.length - 1)] = counts[b & (counts.length - 1)];
    this.counts = bigger;
  }
}

/** Tickets by row. Beside the rows, because a restore draws them anew: they are neither in snapshots nor in the state hash. */
export class Tickets {
  private readonly pages: Float64Array[] = [];

  get bytes(): number {
    return this.pages.length << (pageShift + 3);
  }
  of(row: number): number {
    return this.pages[row >>> pageShift][row & 0xffff];
  }
  set(row: number, ticket: number): void {
    const page = row >>> pageShift;
    while (page >= this.pages.length) this.pages.push(new Float64Array(1 << pageShift));
    this.pages[page][row & 0xffff] = ticket;
  }
}
