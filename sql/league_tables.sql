-- The tables of each league's season: official ones, or computed ones (official = 0) if API-Football has none.
-- A derived table repeats matches of other tables or seasons (annual table, averages, ranking of third-placed teams). A
-- superseded one is followed by a later stage with the same teams, or is empty while they play another one. The other
-- tables are current.
-- reconciled is 'equal', 'decided', 'stale', 'different', 'not started', 'derived' or 'unofficial'. A stale table counts
-- the matches up to counteduntil. carryover is 'halved' or 'dropped' if points of an earlier phase are.
CREATE TABLE IF NOT EXISTS league_tables (
    idleague INT NOT NULL,
    season SMALLINT NOT NULL,
    tablenumber SMALLINT NOT NULL,
    `name` VARCHAR(255) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    derived BOOLEAN NOT NULL,
    superseded BOOLEAN NOT NULL,
    official BOOLEAN NOT NULL,
    reconciled VARCHAR(20) NOT NULL,
    counteduntil DATE,
    carryover VARCHAR(20),
    pointsexplained BOOLEAN NOT NULL,
    competition VARCHAR(255),
    country VARCHAR(255),
    seasonlabel VARCHAR(20),
    PRIMARY KEY (idleague, season, tablenumber)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
