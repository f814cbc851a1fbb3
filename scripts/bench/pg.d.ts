/** What the benchmarks use of it; the types need not be installed to check the project. */
declare module "pg" {
  export class Pool {
    constructor(options: { readonly connectionString: string; readonly max: number });
    query(text: string, values: readonly unknown[]): Promise<{ readonly rows: unknown[] }>;
    end(): Promise<void>;
  }
}
