-- The log and its snapshots. Text is compared byte by byte, as Python sorts it, whatever the database's collation.

CREATE TABLE event (
    position bigint PRIMARY KEY,
    stream text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    event_id text COLLATE "C" NOT NULL UNIQUE,
    type text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    ends_batch boolean NOT NULL,
    UNIQUE (stream, version)
);

CREATE UNIQUE INDEX event_stream ON event (stream) WHERE version = 1;

CREATE TABLE snapshot (
    stream text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    fold text NOT NULL,
    state bytea NOT NULL
);

-- Append a group: `streams` and `expecting` have an entry for each append (the streams differ), the other arrays one for
-- each event; `appends` says whose it is and `numbers` counts from 1 within an append. Answers a row for each append:
-- where its stream stood, whether that is what was expected, whether one of its ids was in the log already, and the last
-- position before the group. What fits and is not known is written, its positions following on without a gap.
--
-- The lock comes first, and the insert is a statement of its own: in READ COMMITTED it sees whatever was committed
-- before the lock was had. One plan, made once (a new one for each call costs three times as much); as it is made while
-- the log is small, it may use indexes only.
CREATE FUNCTION append_1(
    streams text[], expecting bigint[],
    appends int[], numbers int[], ids text[], types text[], contents bytea[], ends boolean[]
) RETURNS TABLE (head bigint, fits boolean, known boolean, before bigint)
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the log is appended to in READ COMMITTED only';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('interlock ' || current_schema(), 0));
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT n, stream, expected,
            coalesce((SELECT max(e.version) FROM event e WHERE e.stream = a.stream), 0) AS head
        FROM unnest(streams, expecting) WITH ORDINALITY AS a (stream, expected, n)
    ), given AS MATERIALIZED (
        SELECT n, number, event_id, type, data, ends_batch, place,
            (SELECT e.position FROM event e WHERE e.event_id = g.event_id) AS found
        FROM unnest(appends, numbers, ids, types, contents, ends)
            WITH ORDINALITY AS g (n, number, event_id, type, data, ends_batch, place)
    ), judged AS MATERIALIZED (
        SELECT n, stream, head, coalesce(expected, head) = head AS fits, coalesce(known, false) AS known
        FROM asked LEFT JOIN (SELECT n, bool_or(found IS NOT NULL) AS known FROM given GROUP BY n) f USING (n)
    ), last AS MATERIALIZED (
        SELECT coalesce(max(position), 0) AS position FROM event
    ), written AS (
        INSERT INTO event (position, stream, version, event_id, type, data, ends_batch)
        SELECT last.position + row_number() OVER (ORDER BY place), j.stream, j.head + number,
            event_id, type, data, ends_batch
        FROM given JOIN judged j USING (n) CROSS JOIN last
        WHERE j.fits AND NOT j.known
    )
    SELECT j.head, j.fits, j.known, last.position FROM judged j CROSS JOIN last ORDER BY n;
END
$$;
