-- One row per team. The three-letter code is NULL if the team has none.
CREATE TABLE IF NOT EXISTS teams (
    idteam INT NOT NULL PRIMARY KEY,
    code VARCHAR(8),
    name VARCHAR(100) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
