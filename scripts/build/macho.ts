const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const SEGMENT_64 = 0x19;
const CODE_SIGNATURE = 0x1d;

interface LoadCommand {
  readonly type: number;
  readonly at: number;
  readonly bytes: number;
}

/** The load commands of a 64-bit Mach-O executable (mach-o/loader.h). */
export function loadCommands(executable: Buffer): LoadCommand[] {
  if (executable.readUInt32LE(0) !== MAGIC_64) throw new Error("This is no 64-bit Mach-O executable");
  const commands: LoadCommand[] = [];
  let at = HEADER_BYTES;
  for (let left = executable.readUInt32LE(16); left > 0; left--) {
    const command = { type: executable.readUInt32LE(at), at, bytes: executable.readUInt32LE(at + 4) };
    commands.push(command);
    at += command.bytes;
  }
  return commands;
}

/** Where the code signature lies in the file; undefined where there is none. */
export function signatureOf(executable: Buffer): { readonly at: number; readonly bytes: number } | undefined {
  const command = loadCommands(executable).find(({ type }) => type === CODE_SIGNATURE);
  if (command === undefined) return undefined;
  return { at: executable.readUInt32LE(command.at + 8), bytes: executable.readUInt32LE(command.at + 12) };
}

/**
 * The executable without its code signature. Bun 1.4.5 signs what it compiles for Apple silicon anew, but leaves the
 * runtime's own signature in what it compiles for Intel, where it does not fit the changed file, and newer systems end
 * such a program at once. Intel code needs no signature; Go's linker gives it none either.
 */
export function withoutSignature(executable: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  const commands = loadCommands(executable);
  const signature = signatureOf(executable);
  const command = commands.find(({ type }) => type === CODE_SIGNATURE);
  const linkedit = commands.find(({ type, at }) => {
    return type === SEGMENT_64 && executable.toString("latin1", at + 8, at + 24).startsWith("__LINKEDIT\0");
  });
  if (signature === undefined || command === undefined) return executable;
  if (linkedit === undefined || signature.at + signature.bytes !== executable.length) {
    throw new Error("The code signature is not at the executable's end");
  }
  const stripped = Buffer.from(executable.subarray(0, signature.at));
  const end = commands.reduce((last, { at, bytes }) => Math.max(last, at + bytes), 0);
  stripped.copyWithin(command.at, command.at + command.bytes, end);
  stripped.fill(0, end - command.bytes, end);
  stripped.writeUInt32LE(commands.length - 1, 16);
  stripped.writeUInt32LE(executable.readUInt32LE(20) - command.bytes, 20);
  const moved = linkedit.at > command.at ? linkedit.at - command.bytes : linkedit.at;
  const linkeditOffset = stripped.readBigUInt64LE(moved + 40);
  stripped.writeBigUInt64LE(BigInt(signature.at) - linkeditOffset, moved + 48);
  return stripped;
}
