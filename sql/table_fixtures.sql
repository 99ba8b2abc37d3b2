-- The matches that each table counts: one row per match and team, with the result as the table counts it. The reason is
-- NULL unless that is not the fixture's result. A match can count in two tables, or for one team only. side is 'home' or
-- 'away'. idteam is the team's id in the table; the fixture can have another one of the same team.
CREATE TABLE IF NOT EXISTS table_fixtures (
    idleague INT NOT NULL,
    season SMALLINT NOT NULL,
    tablenumber SMALLINT NOT NULL,
    idfixture INT NOT NULL,
    side VARCHAR(4) NOT NULL,
    idteam INT NOT NULL,
    won SMALLINT NOT NULL,
    drawn SMALLINT NOT NULL,
    lost SMALLINT NOT NULL,
    goalsfor SMALLINT NOT NULL,
    goalsagainst SMALLINT NOT NULL,
    reason TEXT,
    PRIMARY KEY (idleague, season, tablenumber, idfixture, side),
    KEY fixture (idfixture)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
