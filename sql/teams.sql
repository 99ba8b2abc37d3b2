-- One row per team. The code of three letters is NULL for some.
CREATE TABLE IF NOT EXISTS teams (
    idteam INT NOT NULL PRIMARY KEY,
    code VARCHAR(8),
    name VARCHAR(100) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
