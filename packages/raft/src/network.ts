/**
 * The seam to the other members: frames, lost without a word. A transport authenticates its peers before it hands anything in: the
 * core trusts what it is told.
 */
export interface Network {
  /** Takes the frame for `to`. Never throws, never blocks; what cannot be sent is dropped. The bytes are not changed afterwards. */
  send(to: number, frame: Uint8Array): void;
  /** Called once, when the node is open; `undefined` when it stops. `from` is who the transport knows the sender to be; the frame's bytes are the receiver's to keep. */
  onMessage(receive: ((from: number, frame: Uint8Array) => void) | undefined): void;
}
