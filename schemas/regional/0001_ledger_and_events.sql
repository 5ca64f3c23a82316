-- The regional database: how far each log has been taken (ledger), and the events themselves.
-- docs/decisions/0010-regional-schema.md has the measurements behind the types and the index.

CREATE TABLE penstock.ledger (
    log        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log_id     uuid NOT NULL UNIQUE,
    epoch      bigint NOT NULL,      -- who may write: raised by each appliance that takes the log over
    begin_seq  bigint NOT NULL,      -- the log's oldest sequence when this row was made
    seq        bigint NOT NULL,      -- everything of the log below it is here, or was not for this region
    stamp_ns   bigint NOT NULL DEFAULT 0,  -- when sequence seq - 1 was received; tells one history from another
    stored     bigint NOT NULL DEFAULT 0,  -- rows
    refused    bigint NOT NULL DEFAULT 0,  -- rows that went to the dead letters instead
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (seq >= begin_seq AND stored >= 0 AND refused >= 0)
) WITH (fillfactor = 10);            -- updated every flush: room for heap-only updates in its page
COMMENT ON TABLE penstock.ledger IS
    'One row a log. It moves in the same transaction as the rows that it counts; never change it by hand while an appliance runs.';

-- Fixed-width columns first: no padding. No unique key: the ledger makes each row come once, and a key
-- check would cost more than all the rest of the COPY.
CREATE TABLE penstock.event (
    seq        bigint NOT NULL,      -- in the log `log`; joins the hot log and the region without overlap
    received   timestamptz NOT NULL, -- floor to a microsecond of the sequencer's stamp
    time       timestamptz NOT NULL, -- the producer's, or received where it gave none
    log        integer NOT NULL,
    severity   smallint,
    tenant     text NOT NULL,
    source     text NOT NULL,
    id         text NOT NULL,
    type       text NOT NULL,
    subject    text,
    data       json,                 -- as the producer sent it
    attributes json                  -- {"keys":{},"groups":{},"extensions":{}}, only those that are not empty
) PARTITION BY RANGE (received);     -- a day each, UTC: event_YYYYMMDD
COMMENT ON TABLE penstock.event IS 'Events of all logs that flush here, partitioned by UTC day of receipt.';

-- One block-range index serves key, time and type. A row costs next to nothing at COPY, since summaries are
-- made in bulk (by the flusher, which calls brin_summarize_new_values); a lookup reads the summaries of a
-- day, then the few ranges that may hold the key. pages_per_range: about 900 rows.
CREATE INDEX event_lookup ON penstock.event USING brin (
    received,
    time timestamptz_minmax_multi_ops,
    seq,
    subject text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.002),
    type text_bloom_ops (n_distinct_per_range = 50)
) WITH (pages_per_range = 32);

-- For people and programs that look things up. The condition is always true; it lets the planner see that the
-- index follows the order of the rows, without which it may read the whole table for a single key.
CREATE VIEW penstock.events AS
    SELECT log, seq, received, time, tenant, source, id, type, subject, severity, data, attributes
    FROM penstock.event WHERE received > '-infinity';
COMMENT ON VIEW penstock.events IS 'All events. Name a range of received where you can: whole days are then skipped.';
