import type { StorageIdentity } from "./identity.js";

/** An identity for tests. */
export const sampleIdentity: StorageIdentity = { clusterId: "00112233445566778899aabbccddeeff", nodeId: 1, shard: 0, salt: "0123456789abcdef" };
