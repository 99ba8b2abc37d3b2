-- One row per team and table, with the official figures, or the computed ones of an unofficial table. idteam is the id in
-- the fixtures, which can differ from that in the standings. points = pointsearned in the table's matches
-- + pointscarried from an earlier phase + pointsadjusted, which is negative for a deduction.
CREATE TABLE IF NOT EXISTS standings (
    idleague INT NOT NULL,
    season SMALLINT NOT NULL,
    tablenumber SMALLINT NOT NULL,
    `rank` INT,
    idteam INT NOT NULL,
    team VARCHAR(255),
    idteamstandings INT,
    matchedby VARCHAR(20),
    points INT,
    pointsearned INT,
    pointscarried INT,
    pointsadjusted INT,
    played INT,
    won INT,
    drawn INT,
    lost INT,
    goalsfor INT,
    goalsagainst INT,
    form VARCHAR(255),
    `status` VARCHAR(255),
    `description` TEXT,
    updated VARCHAR(255),
    PRIMARY KEY (idleague, season, tablenumber, idteam)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
