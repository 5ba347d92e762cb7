/** Every limit of the listener. Each is an option; none is left to a default of Node or nghttp2. */
export interface TransportLimits {
  /** Connections open at once; one more is closed at once. 10,000: half of what a process with 20,000 descriptors can hold beside its files. */
  connectionsMax: number;
  /** Open streams per HTTP/2 connection, announced in SETTINGS. 2048: v0.3 clients count on it. */
  streamsPerConnectionMax: number;
  /** HTTP/1.1 requests of one connection in progress at once (pipelining); one more ends the connection. 64: nobody honest pipelines deeper. */
  pipelinedRequestsMax: number;
  /** Bytes of all request headers. 32 KiB: a large token and all cookies fit. Beyond: 431, or the HTTP/2 stream is reset. */
  headerBytesMax: number;
  /** Number of request headers. 128. Beyond: 431, or the HTTP/2 stream is reset. */
  headersMax: number;
  /** Bytes of one message, after decompression. 16 MiB. Beyond: `resource_exhausted`, on unary HTTP before the body is read. */
  messageBytesMax: number;
  /** Bytes of one JSON message on the slow lane, where its depth is not checked before it is parsed. 1 MiB. */
  slowJsonBytesMax: number;
  /** Bytes of unfinished messages held over all connections. 256 MiB: 16 of the largest at once; beyond: `resource_exhausted`. */
  bufferedBytesMax: number;
  /** Answer bytes waiting on one stream above which the handler is asked to wait and no further message is delivered. 256 KiB: about eight frames of 64 jobs. */
  sendBufferBytes: number;
  /** HTTP/2 flow-control window of a stream. 128 KiB: what one stream whose handler is busy can make the server hold, and 2.5 MB/s at 50 ms. */
  streamWindowBytes: number;
  /** The same of a connection. 1 MiB: 20 MB/s at 50 ms. */
  connectionWindowBytes: number;
  /** Memory of one HTTP/2 session in MiB (streams, header tables, queued output) before new streams are refused. 64. */
  sessionMemoryMiB: number;
  /** From a connection's first byte to the end of its request's headers. 10 s. */
  headersTimeoutMs: number;
  /** From the headers to the end of a request's body, or of one message of a stream. 60 s: 16 MiB at 2.2 Mbit/s. Beyond: `deadline_exceeded` or 408. */
  requestTimeoutMs: number;
  /** How long a connection without a call stays open. 120 s: above the 90 s of Go's clients, so that they close first. */
  idleTimeoutMs: number;
  /** HTTP/2: time between two PINGs to a connection. 60 s; one that is not answered within `keepaliveTimeoutMs` ends it. */
  keepaliveMs: number;
  /** 20 s. */
  keepaliveTimeoutMs: number;
  /** How long an answer may wait for a caller that does not read. 60 s, then the stream is reset. */
  readerTimeoutMs: number;
  /** Streams that a caller may reset at once (rapid reset, CVE-2023-44487) ... 500: half of nghttp2's own limit, so ours acts first. */
  resetsBurst: number;
  /** ... and per second after that. 30. Beyond: the session is destroyed. */
  resetsPerSecond: number;
  /** PING and SETTINGS frames that a caller may send at once and per second after that. 200 and 20: twenty times what keepalives need. */
  controlFramesBurst: number;
  controlFramesPerSecond: number;
  /** Malformed frames in one HTTP/2 session before it ends. 100. */
  invalidFramesMax: number;
  /** Request body that is read and thrown away after an early answer, in bytes. 1 MiB; beyond, the connection or stream is closed. */
  drainBytesMax: number;
  /** The same in time. 1 s. */
  drainMs: number;
}

export const transportLimits: TransportLimits = {
  connectionsMax: 10_000,
  streamsPerConnectionMax: 2048,
  pipelinedRequestsMax: 64,
  headerBytesMax: 32 * 1024,
  headersMax: 128,
  messageBytesMax: 16 * 1024 * 1024,
  slowJsonBytesMax: 1024 * 1024,
  bufferedBytesMax: 256 * 1024 * 1024,
  sendBufferBytes: 256 * 1024,
  streamWindowBytes: 128 * 1024,
  connectionWindowBytes: 1024 * 1024,
  sessionMemoryMiB: 64,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  readerTimeoutMs: 60_000,
  resetsBurst: 500,
  resetsPerSecond: 30,
  controlFramesBurst: 200,
  controlFramesPerSecond: 20,
  invalidFramesMax: 100,
  drainBytesMax: 1024 * 1024,
  drainMs: 1000,
};

/** Settles the limits once. Throws with the name of the one that is not a number of its range. */
export function resolveLimits(given: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...transportLimits, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in transportLimits)) throw new Error(`transport limit ${name} does not exist`);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`transport limit ${name} must be a whole number above 0, not ${value}`);
  }
  if (limits.messageBytesMax > limits.bufferedBytesMax) throw new Error("transport limit bufferedBytesMax must hold at least one message (messageBytesMax)");
  if (limits.messageBytesMax >= 2 ** 31) throw new Error("transport limit messageBytesMax must be below 2 GiB");
  return limits;
}
