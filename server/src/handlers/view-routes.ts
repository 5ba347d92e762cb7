import type { DescMethod } from "@bufbuild/protobuf";
import { BulkService, CancelBulkTaskRequestSchema } from "@corvo/gen/corvo/v1/bulk_pb.js";
import { ChangeJobPriorityRequestSchema, JobService, RequeueJobRequestSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { SearchService } from "@corvo/gen/corvo/v1/search_pb.js";
import { StatsService } from "@corvo/gen/corvo/v1/stats_pb.js";
import * as door from "@corvo/protocol";
import { failpoint, Verb } from "@corvo/protocol";
import type { Handler } from "@corvo/transport";
import { Previews } from "../bulk/previews.js";
import { BulkRunner } from "../bulk/runner.js";
import {
  type BulkContext,
  bulkHandler,
  getBulkTaskHandler,
  listBulkItemsHandler,
  listBulkTasksHandler,
  previewBulkHandler,
  watchBulkTaskHandler,
} from "./bulk.js";
import { commandHandler } from "./command.js";
import type { HandlerContext } from "./context.js";
import { rebuildViewHandler, searchFulltextHandler, searchJobsHandler } from "./search.js";
import { errorGroupsHandler, statsHandler, throughputHandler } from "./stats.js";

/** Searches, bulk actions, counters. */
export function addViewRoutes(given: HandlerContext, add: (method: DescMethod, handler: Handler) => void): void {
  const runner = new BulkRunner(given.replica, given.archive, given.log);
  const context: BulkContext = { ...given, runner, previews: new Previews() };
  const s = SearchService.method;
  add(s.searchJobs, searchJobsHandler(context));
  add(s.searchFulltext, searchFulltextHandler(context));
  add(s.rebuildView, rebuildViewHandler(context));

  const b = BulkService.method;
  add(b.bulk, bulkHandler(context));
  add(b.previewBulk, previewBulkHandler(context));
  add(b.getBulkTask, getBulkTaskHandler(context));
  add(b.listBulkTasks, listBulkTasksHandler(context));
  add(b.listBulkItems, listBulkItemsHandler(context));
  const cancel = commandHandler(context, { verb: Verb.BULK_CANCEL, check: door.checkCancelBulkTask, schema: CancelBulkTaskRequestSchema });
  add(b.cancelBulkTask, {
    kind: "unary",
    async handle(call, request) {
      const answer = await cancel.handle(call, request);
      failpoint("bulk-cancel-after");
      return answer;
    },
  });
  add(b.watchBulkTask, watchBulkTaskHandler(context));
  // What a node had begun goes on once it leads.
  void given.replica.whenServing().then(() => runner.wake());

  const j = JobService.method;
  add(j.requeueJob, commandHandler(context, { verb: Verb.REQUEUE, check: door.checkRequeueJob, schema: RequeueJobRequestSchema }));
  add(j.changeJobPriority, commandHandler(context, { verb: Verb.CHANGE_PRIORITY, check: door.checkChangeJobPriority, schema: ChangeJobPriorityRequestSchema }));

  const t = StatsService.method;
  add(t.getThroughput, throughputHandler(context));
  add(t.getStats, statsHandler(context));
  add(t.listErrorGroups, errorGroupsHandler(context));
}
