/** A platform that a release is built for. */
export interface Target {
  /** As archives are named after it: deby-0.1.0-linux-x64.tar.gz. scripts/install.sh and install.ps1 know these names. */
  readonly name: string;
  readonly bunTarget: Bun.Build.CompileTarget;
  readonly format: "tar.gz" | "zip";
  /** Bun leaves a code signature in it that does not fit. */
  readonly isSignatureStale?: boolean;
}

/** Where there is only one archive for x64, it runs on processors without AVX2 too. */
export const TARGETS: readonly Target[] = [
  { name: "linux-x64", bunTarget: "bun-linux-x64", format: "tar.gz" },
  { name: "linux-x64-baseline", bunTarget: "bun-linux-x64-baseline", format: "tar.gz" },
  { name: "linux-arm64", bunTarget: "bun-linux-arm64", format: "tar.gz" },
  { name: "linux-x64-musl", bunTarget: "bun-linux-x64-baseline-musl", format: "tar.gz" },
  { name: "linux-arm64-musl", bunTarget: "bun-linux-arm64-musl", format: "tar.gz" },
  { name: "macos-x64", bunTarget: "bun-darwin-x64-baseline", format: "tar.gz", isSignatureStale: true },
  { name: "macos-arm64", bunTarget: "bun-darwin-arm64", format: "tar.gz" },
  { name: "windows-x64", bunTarget: "bun-windows-x64-baseline", format: "zip" },
];

export function archiveName({ name, format }: Target, version: string): string {
  return `deby-${version}-${name}.${format}`;
}
