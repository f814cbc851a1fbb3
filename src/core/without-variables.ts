/**
 * Does the work while none of these environment variables is there, and brings them back. The work must not wait for
 * anything: nobody else may see them missing.
 */
export function withoutVariables<T>(names: RegExp, work: () => T): T {
  const { env } = process;
  const hidden = Object.entries(env).filter(([name]) => names.test(name));
  for (const [name] of hidden) delete env[name];
  try {
    return work();
  } finally {
    for (const [name, value] of hidden) env[name] = value;
  }
}
