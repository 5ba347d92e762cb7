/** Rows of one leaf, and leaves of one branch. */
const fan = 1024;
const branchSpan = fan * fan;
const perBranch = 1 / branchSpan;

interface Branch {
  readonly leaves: (Int32Array | undefined)[];
  readonly live: Int32Array;
  used: number;
}

/**
 * Creation sequence → row. Sequences rise, so leaves fill and empty in order; an empty leaf goes, so a single old job keeps
 * 4 KiB and not the space of all that came after it.
 */
export class SequenceIndex {
  private readonly branches = new Map<number, Branch>();
  private lastNo = -1;
  private last: Branch | undefined;
  private spare: Int32Array[] = [];
  private leafCount = 0;

  get bytes(): number {
    return this.leafCount * fan * 4 + this.branches.size * fan * 12;
  }

  /** The row, or -1. */
  get(seq: number): number {
    const no = Math.floor(seq * perBranch);
    const branch = no === this.lastNo ? this.last : this.branches.get(no);
    if (branch === undefined) return -1;
    const at = seq - no * branchSpan;
    const leaf = branch.leaves[at >>> 10];
    return leaf === undefined ? -1 : leaf[at & 1023] - 1;
  }

  set(seq: number, row: number): void {
    const no = Math.floor(seq * perBranch);
    let branch = no === this.lastNo ? this.last : this.branches.get(no);
    if (branch === undefined) {
      branch = { leaves: new Array<Int32Array | undefined>(fan).fill(undefined), live: new Int32Array(fan), used: 0 };
      this.branches.set(no, branch);
    }
    this.lastNo = no;
    this.last = branch;
    const at = seq - no * branchSpan;
    let leaf = branch.leaves[at >>> 10];
    if (leaf === undefined) {
      leaf = this.spare.pop() ?? new Int32Array(fan);
      branch.leaves[at >>> 10] = leaf;
      branch.used++;
      this.leafCount++;
    }
    leaf[at & 1023] = row + 1;
    branch.live[at >>> 10]++;
  }

  remove(seq: number): void {
    const no = Math.floor(seq * perBranch);
    const branch = no === this.lastNo ? this.last : this.branches.get(no);
    if (branch === undefined) return;
    const at = seq - no * branchSpan;
    const leaf = branch.leaves[at >>> 10];
    if (leaf === undefined || leaf[at & 1023] === 0) return;
    leaf[at & 1023] = 0;
    if (--branch.live[at >>> 10] > 0) return;
    branch.leaves[at >>> 10] = undefined;
    this.leafCount--;
    if (this.spare.length < 64) this.spare.push(leaf);
    if (--branch.used > 0) return;
    this.branches.delete(no);
    if (this.lastNo === no) {
      this.lastNo = -1;
      this.last = undefined;
    }
  }
}
