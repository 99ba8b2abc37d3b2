-- What does not agree or was not used in a season's tables and fixtures, numbered from 1 in each season. tablenumber is
-- NULL for a finding about the whole season.
CREATE TABLE IF NOT EXISTS table_findings (
    idleague INT NOT NULL,
    season SMALLINT NOT NULL,
    number INT NOT NULL,
    tablenumber SMALLINT,
    finding VARCHAR(20) NOT NULL,
    idfixture INT,
    idteam INT,
    team VARCHAR(255),
    figure VARCHAR(20),
    official INT,
    computed INT,
    `text` TEXT,
    PRIMARY KEY (idleague, season, number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
