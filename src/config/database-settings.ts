/** A part of the connection to the database, under the name that a libpq URL gives it as a parameter. */
export type DatabasePart =
  | "host"
  | "port"
  | "dbname"
  | "user"
  | "password"
  | "sslmode"
  | "sslrootcert"
  | "application_name"
  | "target_session_attrs"
  | "connect_timeout";

interface DatabaseSetting {
  readonly part: DatabasePart;
  /** Under which it is shown, and refused. */
  readonly name: string;
  /** Without the leading dashes; a secret's flag names a file. */
  readonly flag?: string;
  readonly libpq: string;
  /** What Docker's postgres image and the compose files made for it use. */
  readonly docker?: string;
  readonly default?: string;
  readonly isSecret?: true;
  readonly valueHint: string;
  readonly meaning: string;
}

/** How the database is named, part by part; a URL names several at once. */
export const DATABASE_SETTINGS: readonly DatabaseSetting[] = [
  {
    part: "host",
    name: "db-host",
    flag: "db-host",
    libpq: "PGHOST",
    docker: "POSTGRES_HOST",
    default: "localhost",
    valueHint: "host",
    meaning: "host name, address, or folder of a Unix socket; several are separated by commas",
  },
  {
    part: "port",
    name: "db-port",
    flag: "db-port",
    libpq: "PGPORT",
    docker: "POSTGRES_PORT",
    default: "5432",
    valueHint: "port",
    meaning: "one port for all hosts, or one for each",
  },
  {
    part: "dbname",
    name: "db-name",
    flag: "db-name",
    libpq: "PGDATABASE",
    docker: "POSTGRES_DB",
    default: "deby_ecommerce",
    valueHint: "name",
    meaning: "database",
  },
  {
    part: "user",
    name: "db-user",
    flag: "db-user",
    libpq: "PGUSER",
    docker: "POSTGRES_USER",
    default: "postgres",
    valueHint: "name",
    meaning: "role to log in as",
  },
  {
    part: "password",
    name: "db-password",
    flag: "db-password-file",
    libpq: "PGPASSWORD",
    docker: "POSTGRES_PASSWORD",
    isSecret: true,
    valueHint: "file",
    meaning: "its password; PGPASSFILE or ~/.pgpass is asked where none is named",
  },
  {
    part: "sslmode",
    name: "db-sslmode",
    flag: "db-sslmode",
    libpq: "PGSSLMODE",
    default: "prefer",
    valueHint: "mode",
    meaning: "disable, allow, prefer, require, verify-ca or verify-full",
  },
  {
    part: "sslrootcert",
    name: "db-sslrootcert",
    libpq: "PGSSLROOTCERT",
    valueHint: "file",
    meaning: "certificates of the authorities to trust",
  },
  {
    part: "application_name",
    name: "application-name",
    libpq: "PGAPPNAME",
    default: "deby",
    valueHint: "name",
    meaning: "name under which the server lists the connections",
  },
];

/** The URL that names the database as a whole, as a flag and as a variable. */
export const DATABASE_URL = {
  flag: "db-url",
  variable: "DATABASE_URL",
  valueHint: "url",
  meaning: "the database as a whole: postgres://user:password@host:5432/name?sslmode=require",
} as const;
