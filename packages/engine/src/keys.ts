const seqKeyBytes = new Uint8Array(8);
const seqKeyView = new DataView(seqKeyBytes.buffer);

/** A job's sequence as the key of an entity: 8 bytes, valid until the next call. */
export function seqKey(seq: number): Uint8Array {
  seqKeyView.setFloat64(0, seq);
  return seqKeyBytes;
}
