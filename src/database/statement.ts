/** What may stand in `${}` of a statement: always sent as a parameter, never as text. */
export type Value = unknown;

export type Row = Record<string, unknown>;

/** A statement as a tagged template: ``query`select ${id}` ``. */
export type Statement = <R = Row>(strings: TemplateStringsArray, ...values: readonly Value[]) => Promise<R[]>;

export interface Transaction {
  readonly query: Statement;
}

export interface TransactionOptions {
  /** The function may be run again from its start if the transaction has failed and is known to be undone. Default: false. */
  readonly retryable?: boolean;
}

/** The template of a text that we wrote ourselves and that has no parameters. */
export function asStatement(text: string): TemplateStringsArray {
  return Object.assign([text], { raw: [text] });
}
