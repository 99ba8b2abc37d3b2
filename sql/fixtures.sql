-- One row per fixture with a result. Statistics and expected goals (xG) are NULL if they are missing, and for a result
-- that was awarded. The round has the API's name, or is NULL if the API does not name it.
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
    KEY league_season (idleague, season)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- Add the column to tables of versions without it. Only MariaDB has ADD COLUMN IF NOT EXISTS.
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
