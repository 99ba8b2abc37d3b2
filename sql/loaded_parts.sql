-- What the load has read: for each part the newest modification time, in UTC, among the objects it came from.
CREATE TABLE IF NOT EXISTS loaded_parts (
    part VARCHAR(64) NOT NULL PRIMARY KEY,
    modified DATETIME(3) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
