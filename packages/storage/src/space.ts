/**
 * How a store stands with room on the disk.
 * `none`: its reserve is complete. `reserve`: there is no room for a new reserve file, the store lives on what it holds: refuse new
 * work, let acks, deletes and cancels go on. `exhausted`: nothing is held back any more; when the open segment is full, the next
 * append fails with `DiskFull`, for good.
 */
export type DiskPressure = "none" | "reserve" | "exhausted";

/** What stores with a reserve tell their owner (P10: queues never wedge on a full disk, as far as the reserve goes). */
export interface SpaceReserve {
  readonly pressure: DiskPressure;
  /** Tries to complete the reserve again. Under pressure, call it every second or so; it costs nothing when the reserve is complete. */
  refill(): Promise<void>;
}

export function worsePressure(a: DiskPressure, b: DiskPressure): DiskPressure {
  const order: readonly DiskPressure[] = ["none", "reserve", "exhausted"];
  return order[Math.max(order.indexOf(a), order.indexOf(b))];
}
