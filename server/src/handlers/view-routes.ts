import type { DescMethod } from "@bufbuild/protobuf";
import { SearchService } from "@corvo/gen/corvo/v1/search_pb.js";
import type { Handler } from "@corvo/transport";
import type { HandlerContext } from "./context.js";
import { rebuildViewHandler, searchFulltextHandler, searchJobsHandler } from "./search.js";

/** Methods whose answers come from the read view, or need it. */
export function addViewRoutes(context: HandlerContext, add: (method: DescMethod, handler: Handler) => void): void {
  const s = SearchService.method;
  add(s.searchJobs, searchJobsHandler(context));
  add(s.searchFulltext, searchFulltextHandler(context));
  add(s.rebuildView, rebuildViewHandler(context));
}
