/** A file in an archive. */
export interface ArchiveEntry {
  readonly name: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly isExecutable: boolean;
}
