-- One row per fixture with a result. Statistics and expected goals (xG) are NULL if they are missing, and if the result
-- was awarded. The round has the API's name, or is NULL if the API does not name it.
-- The source is 'simulated' or 'API-Football'. It follows from the id: simulated fixtures are numbered from
-- league * 1000000 + (season - 2000) * 1000, beginning with league 39. API-Football's ids are far below 39000000.
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
    `round` VARCHAR(100),
    source VARCHAR(12) GENERATED ALWAYS AS (
        IF(
            idfixture >= 39000000 AND idfixture DIV 1000 = idleague * 1000 + season - 2000,
            'simulated',
            'API-Football'
        )
    ) VIRTUAL,
    KEY league_season (idleague, season)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Add the columns `round` and `source` to tables of versions without them. Only MariaDB has ADD COLUMN IF NOT EXISTS.
SET @add_round = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'fixtures' AND column_name = 'round'
    ),
    'DO 0',
    'ALTER TABLE fixtures ADD COLUMN `round` VARCHAR(100)'
);
PREPARE add_round FROM @add_round;
EXECUTE add_round;
DEALLOCATE PREPARE add_round;

SET @add_source = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'fixtures' AND column_name = 'source'
    ),
    'DO 0',
    'ALTER TABLE fixtures ADD COLUMN source VARCHAR(12) GENERATED ALWAYS AS (
        IF(
            idfixture >= 39000000 AND idfixture DIV 1000 = idleague * 1000 + season - 2000,
            ''simulated'',
            ''API-Football''
        )
    ) VIRTUAL'
);
PREPARE add_source FROM @add_source;
EXECUTE add_source;
DEALLOCATE PREPARE add_source;
