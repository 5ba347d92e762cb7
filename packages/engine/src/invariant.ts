/**
 * Something is so that must never be so: this replica's state cannot be trusted and it must stop before it votes or answers again.
 * Nothing that a client can send leads here; what a client can cause is a refusal.
 */
export class InvariantBroken extends Error {
  constructor(what: string) {
    super(what);
    this.name = "InvariantBroken";
  }
}

export function ensure(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantBroken(what);
}
