-- The parts that were loaded: the newest modification time (UTC) among the objects of each part.
CREATE TABLE IF NOT EXISTS loaded_parts (
    part VARCHAR(64) NOT NULL PRIMARY KEY,
    modified DATETIME(3) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
