-- What was done once is not done again, however often it is sent; see current.sql.
CREATE TABLE operations (
  tab TEXT NOT NULL,
  number INTEGER NOT NULL,
  done INTEGER NOT NULL,
  fingerprint INTEGER NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY (tab, number)
) WITHOUT ROWID;

CREATE TABLE named_operations (
  id INTEGER PRIMARY KEY,
  operation TEXT NOT NULL UNIQUE,
  fingerprint INTEGER NOT NULL,
  result TEXT NOT NULL,
  at TEXT NOT NULL
);
