-- The tables and views of footlake before it loaded standings, as load-mysql created them.
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

CREATE TABLE IF NOT EXISTS loaded_parts (
    part VARCHAR(64) NOT NULL PRIMARY KEY,
    modified DATETIME(3) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
CREATE TABLE IF NOT EXISTS teams (
    idteam INT NOT NULL PRIMARY KEY,
    code VARCHAR(8),
    name VARCHAR(100) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE OR REPLACE VIEW outcomes AS
WITH RECURSIVE goals AS (
    SELECT
        idfixture,
        CAST(xgoalshometeam AS DOUBLE) AS h,
        CAST(xgoalsawayteam AS DOUBLE) AS a,
        0 AS k,
        EXP(-CAST(xgoalshometeam AS DOUBLE)) AS ph,
        EXP(-CAST(xgoalsawayteam AS DOUBLE)) AS pa,
        CAST(0 AS DOUBLE) AS ch,
        CAST(0 AS DOUBLE) AS ca,
        source
    FROM fixtures
    WHERE xgoalshometeam IS NOT NULL AND xgoalsawayteam IS NOT NULL
    UNION ALL
    SELECT idfixture, h, a, k + 1, ph * h / (k + 1), pa * a / (k + 1), ch + ph, ca + pa, source
    FROM goals
    WHERE k < CEIL(GREATEST(h, a) + 9 * SQRT(GREATEST(h, a))) + 12
)
SELECT
    idfixture,
    SUM(ph * ca) / SUM(ph * ca + ph * pa + pa * ch) AS homewin,
    SUM(ph * pa) / SUM(ph * ca + ph * pa + pa * ch) AS draw,
    SUM(pa * ch) / SUM(ph * ca + ph * pa + pa * ch) AS awaywin,
    SUM(3 * ph * ca + ph * pa) / SUM(ph * ca + ph * pa + pa * ch) AS xpointshometeam,
    SUM(3 * pa * ch + ph * pa) / SUM(ph * ca + ph * pa + pa * ch) AS xpointsawayteam,
    MAX(source) AS source
FROM goals
GROUP BY idfixture;

CREATE OR REPLACE VIEW league_fixtures AS
SELECT
    f.idleague, f.season, f.idfixture, f.`date`, f.`time`, f.`round`, f.idhometeam, f.idawayteam,
    f.goalshometeam, f.goalsawayteam, f.xgoalshometeam, f.xgoalsawayteam, f.source
FROM fixtures AS f
LEFT JOIN (
    SELECT DISTINCT idleague, season
    FROM fixtures
    WHERE CAST(`round` AS BINARY) LIKE 'Regular Season%' AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL
) AS regular ON regular.idleague = f.idleague AND regular.season = f.season
WHERE f.goalshometeam IS NOT NULL AND f.goalsawayteam IS NOT NULL
    AND (regular.season IS NULL OR f.`round` IS NULL OR CAST(f.`round` AS BINARY) LIKE 'Regular Season%');

CREATE OR REPLACE VIEW team_matches AS
SELECT
    sides.idleague,
    sides.season,
    sides.idfixture,
    sides.`date`,
    sides.`time`,
    sides.idteam,
    COALESCE(teams.name, CONCAT('team ', sides.idteam)) AS team,
    teams.code,
    sides.idopponent,
    sides.athome,
    sides.goals_for,
    sides.goals_against,
    CASE WHEN goals_for > goals_against THEN 3 WHEN goals_for = goals_against THEN 1 ELSE 0 END AS points,
    sides.xg_for,
    sides.xg_against,
    sides.xpoints,
    sides.source
FROM (
    SELECT
        f.idleague, f.season, f.idfixture, f.`date`, f.`time`, f.idhometeam AS idteam, f.idawayteam AS idopponent,
        1 AS athome, f.goalshometeam AS goals_for, f.goalsawayteam AS goals_against,
        CASE WHEN o.idfixture IS NOT NULL THEN CAST(f.xgoalshometeam AS DOUBLE) END AS xg_for,
        CASE WHEN o.idfixture IS NOT NULL THEN CAST(f.xgoalsawayteam AS DOUBLE) END AS xg_against,
        o.xpointshometeam AS xpoints, f.source
    FROM league_fixtures AS f LEFT JOIN outcomes AS o ON o.idfixture = f.idfixture
    UNION ALL
    SELECT
        f.idleague, f.season, f.idfixture, f.`date`, f.`time`, f.idawayteam, f.idhometeam,
        0, f.goalsawayteam, f.goalshometeam,
        CASE WHEN o.idfixture IS NOT NULL THEN CAST(f.xgoalsawayteam AS DOUBLE) END,
        CASE WHEN o.idfixture IS NOT NULL THEN CAST(f.xgoalshometeam AS DOUBLE) END,
        o.xpointsawayteam, f.source
    FROM league_fixtures AS f LEFT JOIN outcomes AS o ON o.idfixture = f.idfixture
) AS sides
LEFT JOIN teams ON teams.idteam = sides.idteam;

CREATE OR REPLACE VIEW expected_table AS
SELECT
    idleague,
    season,
    ROW_NUMBER() OVER (
        PARTITION BY idleague, season
        ORDER BY points DESC, goals_for - goals_against DESC, goals_for DESC, CAST(team AS BINARY), idteam
    ) AS position,
    idteam,
    code,
    team,
    played,
    won,
    drawn,
    lost,
    goals_for,
    goals_against,
    goals_for - goals_against AS goal_difference,
    points,
    CASE WHEN expected_matches > 0 THEN ROW_NUMBER() OVER (
        PARTITION BY idleague, season
        ORDER BY expected_matches = 0, xpoints DESC, xg_for - xg_against DESC, CAST(team AS BINARY), idteam
    ) END AS expected_position,
    expected_matches,
    xg_for,
    xg_against,
    xpoints,
    with_xg_for - xg_for AS goals_for_difference,
    with_xg_against - xg_against AS goals_against_difference,
    with_xg_points - xpoints AS points_difference,
    source
FROM (
    SELECT
        idleague,
        season,
        idteam,
        code,
        team,
        COUNT(*) AS played,
        SUM(goals_for > goals_against) AS won,
        SUM(goals_for = goals_against) AS drawn,
        SUM(goals_for < goals_against) AS lost,
        SUM(goals_for) AS goals_for,
        SUM(goals_against) AS goals_against,
        SUM(points) AS points,
        COUNT(xpoints) AS expected_matches,
        SUM(xg_for) AS xg_for,
        SUM(xg_against) AS xg_against,
        SUM(xpoints) AS xpoints,
        SUM(CASE WHEN xpoints IS NOT NULL THEN goals_for END) AS with_xg_for,
        SUM(CASE WHEN xpoints IS NOT NULL THEN goals_against END) AS with_xg_against,
        SUM(CASE WHEN xpoints IS NOT NULL THEN points END) AS with_xg_points,
        MAX(source) AS source
    FROM team_matches
    GROUP BY idleague, season, idteam, code, team
) AS sums;

CREATE OR REPLACE VIEW team_weeks AS
SELECT
    idleague,
    season,
    idteam,
    code,
    team,
    week,
    week_start,
    SUM(played) OVER so_far AS played,
    SUM(points) OVER so_far AS points,
    SUM(expected_matches) OVER so_far AS expected_matches,
    COALESCE(SUM(xg_for) OVER so_far, 0) AS xg_for,
    COALESCE(SUM(xg_against) OVER so_far, 0) AS xg_against,
    COALESCE(SUM(xpoints) OVER so_far, 0) AS xpoints,
    COALESCE(SUM(goals_for_difference) OVER so_far, 0) AS goals_for_difference,
    COALESCE(SUM(goals_against_difference) OVER so_far, 0) AS goals_against_difference,
    COALESCE(SUM(points_difference) OVER so_far, 0) AS points_difference,
    MAX(source) OVER so_far AS source
FROM (
    SELECT
        idleague,
        season,
        idteam,
        code,
        team,
        week_start,
        1 + FLOOR(DATEDIFF(week_start, first_week) / 7) AS week,
        COUNT(*) AS played,
        SUM(points) AS points,
        COUNT(xpoints) AS expected_matches,
        SUM(xg_for) AS xg_for,
        SUM(xg_against) AS xg_against,
        SUM(xpoints) AS xpoints,
        SUM(CASE WHEN xpoints IS NOT NULL THEN goals_for - xg_for END) AS goals_for_difference,
        SUM(CASE WHEN xpoints IS NOT NULL THEN goals_against - xg_against END) AS goals_against_difference,
        SUM(CASE WHEN xpoints IS NOT NULL THEN points - xpoints END) AS points_difference,
        MAX(source) AS source
    FROM (
        SELECT
            m.*,
            SUBDATE(m.`date`, (WEEKDAY(m.`date`) + 6) % 7) AS week_start,
            SUBDATE(firsts.`date`, (WEEKDAY(firsts.`date`) + 6) % 7) AS first_week
        FROM team_matches AS m
        JOIN (
            SELECT idleague, season, MIN(`date`) AS `date`
            FROM league_fixtures
            GROUP BY idleague, season
        ) AS firsts ON firsts.idleague = m.idleague AND firsts.season = m.season
        WHERE m.`date` IS NOT NULL
    ) AS dated
    GROUP BY idleague, season, idteam, code, team, week_start, first_week
) AS weeks
WINDOW so_far AS (PARTITION BY idleague, season, idteam ORDER BY week_start);
