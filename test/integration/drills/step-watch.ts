import type { FaultConnection } from "../../../src/outage/fault-connection.ts";
import { STEPS, type Step } from "./plan.ts";

/** Where a keyed transaction stands when a message passes. */
export interface Moment {
  readonly step: Step;
  /** Undefined until it was sent. */
  readonly key: string | undefined;
}

interface Progress {
  /** Undefined for what is none of the five. */
  step: Step | undefined;
  key: string | undefined;
  /** How many of its messages the server has answered. */
  answered: number;
}

/** A query message of the protocol has one byte for its kind and four for its length before the text. */
const TEXT_AT = 5;
const BEGIN = "begin isolation level read committed read write";
const COMMIT = "commit\0";
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
/** ReadyForQuery, which has one more byte: an answer is complete. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);

/** Follows the keyed transactions of all connections by what passes between deby and the server. */
export class StepWatch {
  readonly #progress = new WeakMap<FaultConnection, Progress>();

  /** What deby sends; undefined where it belongs to no keyed transaction. */
  sent(connection: FaultConnection, chunk: Buffer): Moment | undefined {
    const text = chunk.toString("latin1");
    if (text.startsWith("Q")) this.#begin(connection, text.slice(TEXT_AT));
    const progress = this.#progress.get(connection);
    if (progress === undefined) return undefined;
    if (!text.startsWith("Q")) progress.step = STEPS.slice(1, -1)[progress.answered - 1];
    if (progress.step === "key") progress.key ??= UUID.exec(text)?.[0];
    return momentOf(progress);
  }

  /** What the server answers. */
  answered(connection: FaultConnection, chunk: Buffer): Moment | undefined {
    const progress = this.#progress.get(connection);
    if (progress === undefined) return undefined;
    if (chunk.subarray(-READY.length - 1, -1).equals(READY)) progress.answered += 1;
    return momentOf(progress);
  }

  #begin(connection: FaultConnection, text: string): void {
    const progress = this.#progress.get(connection);
    if (text.startsWith(BEGIN)) this.#progress.set(connection, { step: "begin", key: undefined, answered: 0 });
    else if (text === COMMIT && progress !== undefined) progress.step = "commit";
    else this.#progress.delete(connection);
  }
}

function momentOf({ step, key }: Progress): Moment | undefined {
  return step === undefined ? undefined : { step, key };
}
