export { viewDigest } from "./digest.js";
export type { JobFilter } from "./filter.js";
export { BadCondition } from "./jq.js";
export { ViewOverloaded } from "./readers.js";
export { type PageWish, Searcher, type Selection, TooSlow } from "./search.js";
export { ViewStore } from "./store.js";
export { View, type ViewOptions, ViewUnavailable } from "./view.js";
