/** Schemas that users make: the rest is the server's own, or somebody's temporary tables. `n` is pg_namespace. */
export const IS_USERS_SCHEMA = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'";
