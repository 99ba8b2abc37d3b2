-- The numbers of footlake report, for any MySQL client. xG, goals and points that are compared cover the same matches.
-- The column source of each view is 'simulated' if any match in the row is simulated, else 'API-Football'. 'simulated' is
-- also the greater of the two texts, so MAX() finds it.

-- The probabilities of each match's results, and the expected points. They assume that both teams' goals are independent
-- Poisson variables with the xG as means (Maher 1982). ph and pa are the probabilities of k goals, ch and ca of fewer.
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

-- The finished matches of seasons without rows in league_tables, which an earlier version of footlake loaded, that count in
-- a computed table. If the season has rounds named Regular Season, only the matches of these rounds and of unknown rounds
-- count; otherwise all do.
CREATE OR REPLACE VIEW fixtures_without_tables AS
SELECT
    f.idleague, f.season, f.idfixture, f.`date`, f.`time`, f.`round`, f.idhometeam, f.idawayteam,
    f.goalshometeam, f.goalsawayteam, f.xgoalshometeam, f.xgoalsawayteam, f.source
FROM fixtures AS f
LEFT JOIN (
    SELECT DISTINCT idleague, season
    FROM fixtures
    WHERE CAST(`round` AS BINARY) LIKE 'Regular Season%' AND goalshometeam IS NOT NULL AND goalsawayteam IS NOT NULL
) AS regular ON regular.idleague = f.idleague AND regular.season = f.season
LEFT JOIN (
    SELECT DISTINCT idleague, season FROM league_tables
) AS official ON official.idleague = f.idleague AND official.season = f.season
WHERE f.goalshometeam IS NOT NULL AND f.goalsawayteam IS NOT NULL AND official.season IS NULL
    AND (regular.season IS NULL OR f.`round` IS NULL OR CAST(f.`round` AS BINARY) LIKE 'Regular Season%');

-- The matches that count in a current table (see league_tables), with the goals that it counts: one row per match, also if
-- it counts in two tables. Date, round, xG and source are NULL if the fixture has no result, but the table counts one. The
-- table fixtures has every match.
CREATE OR REPLACE VIEW league_fixtures AS
SELECT * FROM fixtures_without_tables
UNION ALL
SELECT
    counted.idleague, counted.season, counted.idfixture, f.`date`, f.`time`, f.`round`,
    COALESCE(counted.idhometeam, f.idhometeam), COALESCE(counted.idawayteam, f.idawayteam),
    counted.goalshometeam, counted.goalsawayteam, f.xgoalshometeam, f.xgoalsawayteam, f.source
FROM (
    SELECT
        m.idleague,
        m.season,
        m.idfixture,
        MAX(CASE WHEN m.side = 'home' THEN m.idteam END) AS idhometeam,
        MAX(CASE WHEN m.side = 'away' THEN m.idteam END) AS idawayteam,
        COALESCE(
            MAX(CASE WHEN m.side = 'home' THEN m.goalsfor END), MAX(CASE WHEN m.side = 'away' THEN m.goalsagainst END)
        ) AS goalshometeam,
        COALESCE(
            MAX(CASE WHEN m.side = 'away' THEN m.goalsfor END), MAX(CASE WHEN m.side = 'home' THEN m.goalsagainst END)
        ) AS goalsawayteam
    FROM table_fixtures AS m
    JOIN league_tables AS t ON t.idleague = m.idleague AND t.season = m.season AND t.tablenumber = m.tablenumber
    WHERE NOT t.derived AND NOT t.superseded
    GROUP BY m.idleague, m.season, m.idfixture
) AS counted
LEFT JOIN fixtures AS f ON f.idfixture = counted.idfixture;

-- The matches of every table, one row for each team for which it counts, with the result as the table counts it. A win is
-- worth three points. xG and expected points are NULL unless the xG of both teams is known. A season without rows in
-- league_tables has one table.
CREATE OR REPLACE VIEW table_matches AS
SELECT
    sides.idleague,
    sides.season,
    sides.idfixture,
    f.`date`,
    f.`time`,
    sides.idteam,
    COALESCE(teams.name, standings.team, CONCAT('team ', sides.idteam)) AS team,
    teams.code,
    COALESCE(
        (
            SELECT MAX(other.idteam)
            FROM table_fixtures AS other
            WHERE other.idfixture = sides.idfixture AND other.idleague = sides.idleague
                AND other.season = sides.season AND (other.side = 'home') <> sides.athome
        ),
        CASE WHEN sides.athome THEN f.idawayteam ELSE f.idhometeam END
    ) AS idopponent,
    sides.athome,
    sides.goals_for,
    sides.goals_against,
    sides.points,
    CASE
        WHEN o.idfixture IS NULL THEN NULL
        ELSE CAST(CASE WHEN sides.athome THEN f.xgoalshometeam ELSE f.xgoalsawayteam END AS DOUBLE)
    END AS xg_for,
    CASE
        WHEN o.idfixture IS NULL THEN NULL
        ELSE CAST(CASE WHEN sides.athome THEN f.xgoalsawayteam ELSE f.xgoalshometeam END AS DOUBLE)
    END AS xg_against,
    CASE WHEN sides.athome THEN o.xpointshometeam ELSE o.xpointsawayteam END AS xpoints,
    f.source,
    sides.table_number,
    sides.reason
FROM (
    SELECT
        idleague, season, tablenumber AS table_number, idfixture, idteam, side = 'home' AS athome,
        goalsfor AS goals_for, goalsagainst AS goals_against, 3 * won + drawn AS points, reason
    FROM table_fixtures
    UNION ALL
    SELECT
        idleague, season, 1, idfixture, idhometeam, 1, goalshometeam, goalsawayteam,
        CASE WHEN goalshometeam > goalsawayteam THEN 3 WHEN goalshometeam = goalsawayteam THEN 1 ELSE 0 END, NULL
    FROM fixtures_without_tables
    UNION ALL
    SELECT
        idleague, season, 1, idfixture, idawayteam, 0, goalsawayteam, goalshometeam,
        CASE WHEN goalsawayteam > goalshometeam THEN 3 WHEN goalsawayteam = goalshometeam THEN 1 ELSE 0 END, NULL
    FROM fixtures_without_tables
) AS sides
LEFT JOIN fixtures AS f ON f.idfixture = sides.idfixture
LEFT JOIN outcomes AS o ON o.idfixture = sides.idfixture
LEFT JOIN standings ON standings.idleague = sides.idleague AND standings.season = sides.season
    AND standings.tablenumber = sides.table_number AND standings.idteam = sides.idteam
LEFT JOIN teams ON teams.idteam = sides.idteam;

-- The rows of table_matches that count in a current table.
CREATE OR REPLACE VIEW team_matches AS
SELECT
    m.idleague, m.season, m.idfixture, m.`date`, m.`time`, m.idteam, m.team, m.code, m.idopponent, m.athome,
    m.goals_for, m.goals_against, m.points, m.xg_for, m.xg_against, m.xpoints, m.source, m.table_number, m.reason
FROM table_matches AS m
LEFT JOIN league_tables AS t
    ON t.idleague = m.idleague AND t.season = m.season AND t.tablenumber = m.table_number
WHERE t.season IS NULL OR (NOT t.derived AND NOT t.superseded);

-- Every table, actual and expected, one row per team. The actual columns are the official figures; points_adjusted is
-- negative for a deduction. Without an official table they are computed from every match: goal difference, no deductions.
-- The expected columns and the differences (actual minus expected) cover expected_matches, those with xG; the difference
-- in points is without deductions. xpoints includes points_carried, the points of an earlier phase, if the table does not
-- count the matches of that phase. expected_position is the rank by expected points.
CREATE OR REPLACE VIEW expected_tables AS
SELECT
    idleague,
    season,
    CASE WHEN has_tables THEN position ELSE ROW_NUMBER() OVER (
        PARTITION BY idleague, season, table_number
        ORDER BY points DESC, goals_for - goals_against DESC, goals_for DESC, CAST(team AS BINARY), idteam
    ) END AS position,
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
        PARTITION BY idleague, season, table_number
        ORDER BY expected_matches = 0, match_xpoints + points_carried DESC, xg_for - xg_against DESC,
            CAST(team AS BINARY), idteam
    ) END AS expected_position,
    expected_matches,
    xg_for,
    xg_against,
    match_xpoints + points_carried AS xpoints,
    with_xg_for - xg_for AS goals_for_difference,
    with_xg_against - xg_against AS goals_against_difference,
    with_xg_points - match_xpoints AS points_difference,
    source,
    table_number,
    table_name,
    points_adjusted,
    points_carried,
    official,
    competition,
    country,
    season_label,
    derived,
    superseded
FROM (
    SELECT
        table_rows.idleague,
        table_rows.season,
        table_rows.table_number,
        table_rows.table_name,
        table_rows.has_tables,
        table_rows.position,
        table_rows.idteam,
        teams.code,
        COALESCE(teams.name, table_rows.team, CONCAT('team ', table_rows.idteam)) AS team,
        CASE WHEN has_tables THEN table_rows.played ELSE sums.played END AS played,
        CASE WHEN has_tables THEN table_rows.won ELSE sums.won END AS won,
        CASE WHEN has_tables THEN table_rows.drawn ELSE sums.drawn END AS drawn,
        CASE WHEN has_tables THEN table_rows.lost ELSE sums.lost END AS lost,
        CASE WHEN has_tables THEN table_rows.goals_for ELSE sums.goals_for END AS goals_for,
        CASE WHEN has_tables THEN table_rows.goals_against ELSE sums.goals_against END AS goals_against,
        CASE WHEN has_tables THEN table_rows.points ELSE sums.points END AS points,
        COALESCE(sums.expected_matches, 0) AS expected_matches,
        sums.xg_for,
        sums.xg_against,
        sums.match_xpoints,
        sums.with_xg_for,
        sums.with_xg_against,
        sums.with_xg_points,
        sums.source,
        table_rows.points_adjusted,
        table_rows.points_carried,
        table_rows.official,
        table_rows.competition,
        table_rows.country,
        table_rows.season_label,
        table_rows.derived,
        table_rows.superseded
    FROM (
        SELECT
            s.idleague, s.season, s.tablenumber AS table_number, t.`name` AS table_name, 1 AS has_tables,
            s.`rank` AS position, s.idteam, s.team, s.played, s.won, s.drawn, s.lost,
            s.goalsfor AS goals_for, s.goalsagainst AS goals_against, s.points,
            COALESCE(s.pointsadjusted, 0) AS points_adjusted,
            CASE WHEN t.pointsexplained AND s.pointscarried > 0 THEN s.pointscarried ELSE 0 END AS points_carried,
            t.official, t.competition, t.country, t.seasonlabel AS season_label, t.derived, t.superseded
        FROM standings AS s
        JOIN league_tables AS t
            ON t.idleague = s.idleague AND t.season = s.season AND t.tablenumber = s.tablenumber
        UNION ALL
        SELECT
            idleague, season, 1, 'Table', 0, NULL, idteam, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            0, 0, 0, NULL, NULL, NULL, 0, 0
        FROM (
            SELECT idleague, season, idhometeam AS idteam FROM fixtures_without_tables
            UNION
            SELECT idleague, season, idawayteam FROM fixtures_without_tables
        ) AS members
    ) AS table_rows
    LEFT JOIN (
        SELECT
            idleague,
            season,
            table_number,
            idteam,
            COUNT(*) AS played,
            SUM(points = 3) AS won,
            SUM(points = 1) AS drawn,
            SUM(points = 0) AS lost,
            SUM(goals_for) AS goals_for,
            SUM(goals_against) AS goals_against,
            SUM(points) AS points,
            COUNT(xpoints) AS expected_matches,
            SUM(xg_for) AS xg_for,
            SUM(xg_against) AS xg_against,
            SUM(xpoints) AS match_xpoints,
            SUM(CASE WHEN xpoints IS NOT NULL THEN goals_for END) AS with_xg_for,
            SUM(CASE WHEN xpoints IS NOT NULL THEN goals_against END) AS with_xg_against,
            SUM(CASE WHEN xpoints IS NOT NULL THEN points END) AS with_xg_points,
            MAX(source) AS source
        FROM table_matches
        GROUP BY idleague, season, table_number, idteam
    ) AS sums ON sums.idleague = table_rows.idleague AND sums.season = table_rows.season
        AND sums.table_number = table_rows.table_number AND sums.idteam = table_rows.idteam
    LEFT JOIN teams ON teams.idteam = table_rows.idteam
) AS joined;

-- The current tables, see expected_tables.
CREATE OR REPLACE VIEW expected_table AS
SELECT
    idleague, season, position, idteam, code, team, played, won, drawn, lost, goals_for, goals_against,
    goal_difference, points, expected_position, expected_matches, xg_for, xg_against, xpoints, goals_for_difference,
    goals_against_difference, points_difference, source, table_number, table_name, points_adjusted, points_carried,
    official, competition, country, season_label
FROM expected_tables
WHERE NOT derived AND NOT superseded;

-- Each team's running totals at the end of every week in which it played, for each current table. A week has a weekend
-- and the days between two weekends. It begins with the one in which the league's first match was: on Friday, or on Tuesday
-- if that match was from Tuesday to Thursday. Week 1 is the league's first. Matches without a date belong to no week.
-- Points and expected points are those of the matches, without deductions and without points of an earlier phase.
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
    MAX(source) OVER so_far AS source,
    table_number
FROM (
    SELECT
        idleague,
        season,
        idteam,
        code,
        team,
        table_number,
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
            SUBDATE(m.`date`, (WEEKDAY(m.`date`) - firsts.first_weekday + 7) % 7) AS week_start,
            SUBDATE(firsts.`date`, (WEEKDAY(firsts.`date`) - firsts.first_weekday + 7) % 7) AS first_week
        FROM team_matches AS m
        JOIN (
            SELECT
                idleague,
                season,
                MIN(`date`) AS `date`,
                CASE WHEN WEEKDAY(MIN(`date`)) IN (1, 2, 3) THEN 1 ELSE 4 END AS first_weekday
            FROM league_fixtures
            GROUP BY idleague, season
        ) AS firsts ON firsts.idleague = m.idleague AND firsts.season = m.season
        WHERE m.`date` IS NOT NULL
    ) AS dated
    GROUP BY idleague, season, idteam, code, team, table_number, week_start, first_week
) AS weeks
WINDOW so_far AS (PARTITION BY idleague, season, table_number, idteam ORDER BY week_start);
