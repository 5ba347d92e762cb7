export type { ScanJson } from "./decode.js";
export type { RestError } from "./errors.js";
export { BodyError, restError } from "./errors.js";
export type { RestHandler, RestOptions } from "./handler.js";
export { createRestHandler } from "./handler.js";
export { corsHeaders, serverTiming } from "./headers.js";
export { extensions as restExtensions } from "./plan.js";
export type { RestRoute, RestTable } from "./routes.js";
export { enumWord, restBindings, restField, restFields } from "./rules.js";
