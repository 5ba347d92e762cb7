import { writeFooter } from "./archive-footer.js";
import type { ArchiveScan } from "./archive-scan.js";
import { type Disk, writeWholeFile } from "./disk.js";
import { HardStateFile } from "./hard-state.js";
import { type DirectoryIdentity, encodeIdentity } from "./identity.js";
import { cutTorn } from "./segment-log-open.js";
import type { LogScan } from "./segment-log-scan.js";
import type { VerifyProblem } from "./verify-report.js";

/** The repairs of `verify`. None of them can lose anything that was acknowledged; each says in its problem what it did. */
export class Repairer {
  constructor(private readonly disk: Disk) {}

  async identity(problem: VerifyProblem, identity: DirectoryIdentity): Promise<void> {
    await writeWholeFile(this.disk, "identity", encodeIdentity(identity));
    done(problem, "written anew from the headers of the log's segments, which agree");
  }

  /** The same cut that the server makes at its start. */
  async torn(problem: VerifyProblem, torn: NonNullable<LogScan["torn"]>): Promise<void> {
    await cutTorn(this.disk, torn);
    done(problem, `cut: ${torn.end - torn.offset} bytes from offset ${torn.offset} on are zero now`);
  }

  async slot(problem: VerifyProblem, identity: DirectoryIdentity, promised: { term: number; vote: number }): Promise<void> {
    const opened = await HardStateFile.open(this.disk, problem.path, identity);
    if (opened === undefined) return;
    opened.file.write(promised.term, promised.vote); // takes the damaged slot
    await opened.file.sync();
    await opened.file.close();
    done(problem, `written anew: term ${promised.term}, vote ${promised.vote}`);
  }

  async footer(problem: VerifyProblem, scan: ArchiveScan, seed: number): Promise<void> {
    const file = await this.disk.open(problem.path, "write");
    try {
      await file.truncate(scan.end);
      await writeFooter(file, scan.end, scan.index, seed, scan.chain);
      await file.sync();
    } finally {
      await file.close();
    }
    done(problem, `made anew from ${scan.records} records`);
  }

  async setAside(problem: VerifyProblem, because: string): Promise<void> {
    await this.disk.rename(problem.path, `${problem.path}.damaged`);
    await this.disk.syncDirectory("snapshots");
    done(problem, `set aside as ${problem.path}.damaged: ${because}`);
  }
}

function done(problem: VerifyProblem, repair: string): void {
  problem.repair = repair;
  problem.repaired = true;
  problem.next = "nothing: a server may start on it";
}
