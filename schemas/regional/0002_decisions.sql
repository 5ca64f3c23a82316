-- What people decided of the region's events. A row a decision, written in the transaction that moves the
-- ledger past it, so it is there once. A decision that was undone has a second row; nothing is changed or
-- taken away.
CREATE TABLE penstock.decision (
    log            integer NOT NULL,
    seq            bigint NOT NULL,      -- of the command's record in the log
    at             timestamptz NOT NULL,
    item           bigint NOT NULL,      -- its number in that log's queue
    action         text NOT NULL CHECK (action IN ('approved', 'rejected', 'undone')),
    previous_state text NOT NULL,
    new_state      text NOT NULL,
    user_id        bigint,               -- null: a program
    user_name      text NOT NULL,
    reason         text,
    address        text,                 -- where the command came from
    tenant         text NOT NULL,
    queue          text NOT NULL,
    event_seq      bigint NOT NULL,      -- penstock.event's seq, or the record that fired the alert
    event_source   text,
    event_id       text,
    event_type     text NOT NULL,
    subject        text,
    alert          text,                 -- null: of an event
    created_at     timestamptz NOT NULL, -- the item
    assigned_at    timestamptz,
    claimed_at     timestamptz,
    PRIMARY KEY (log, seq)
);
COMMENT ON TABLE penstock.decision IS
    'Decisions of people over events of this region, each once; an undone one has a row of its own.';
CREATE INDEX decision_event ON penstock.decision (log, event_seq);
CREATE INDEX decision_at ON penstock.decision (at);
