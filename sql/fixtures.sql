-- One row for each fixture with a result. Statistics and expected goals (xG) are NULL where there are none,
-- as of a result that was awarded.
CREATE TABLE IF NOT EXISTS fixtures (
    idfixture INT NOT NULL PRIMARY KEY,
    idhometeam INT NOT NULL,
    idawayteam INT NOT NULL,
    `date` DATE,
    `time` TIME,
    goalshometeam SMALLINT,
    goalsawayteam SMALLINT,
    xgoalshometeam DECIMAL(5,3),
    xgoalsawayteam DECIMAL(5,3),
    shotsongoalhometeam SMALLINT,
    shotsongoalawayteam SMALLINT,
    shotsinsideboxhometeam SMALLINT,
    shotsinsideboxawayteam SMALLINT,
    totalshotshometeam SMALLINT,
    totalshotsawayteam SMALLINT,
    ballpossessionhometeam SMALLINT,
    ballpossessionawayteam SMALLINT,
    idleague INT NOT NULL,
    season SMALLINT NOT NULL,
    KEY league_season (idleague, season)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
