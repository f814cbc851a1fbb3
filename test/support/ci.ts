const { CI } = process.env;

/** With CI=true nothing is skipped: what is missing is a failure then. */
export const isCi = CI === "true";
