export { codeName, grpcNumber, httpStatus } from "./core/codes.js";
export type { Authenticate, Observer } from "./core/context.js";
export * from "./limits.js";
export * from "./listener.js";
export * from "./rest/index.js";
export * from "./rpc.js";
export type { NodeHandler, NodeRequest, NodeResponse } from "./slow/edge.js";
