/** Small disks that fill while runs are trained on them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system in memory of a fixed size. Only root may make one. */
export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Null where it is not allowed to mount one. */
  static of(bytes: number): SmallDisk | null {
    const path = mkdtempSync(join(tmpdir(), "salmask-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path], { stdio: "ignore" });
      return new SmallDisk(path);
    } catch {
      rmSync(path, { recursive: true });
      return null;
    }
  }

  resize(bytes: number): void {
    this.remount(`size=${bytes}`);
  }

  makeReadOnly(): void {
    this.remount("ro");
  }

  /** Bytes that files take. */
  get used(): number {
    const { blocks, bfree, bsize } = statfsSync(this.path);
    return (blocks - bfree) * bsize;
  }

  [Symbol.dispose](): void {
    execFileSync("umount", ["--lazy", this.path], { stdio: "ignore" });
    rmSync(this.path, { recursive: true, force: true });
  }

  private remount(options: string): void {
    execFileSync("mount", ["-o", `remount,${options}`, this.path], { stdio: "ignore" });
  }
}
