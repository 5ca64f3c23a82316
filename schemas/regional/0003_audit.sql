-- Who did what to this region or to what is of it, of the audit trail of each log: review commands, exports of
-- this region alone, changes of the region. A row an entry, written in the transaction that moves the ledger
-- past it. `chain` is the hash that `penstock audit verify` prints: of the trail up to this entry.
CREATE TABLE penstock.audit (
    log            integer NOT NULL,
    number         bigint NOT NULL,      -- in that log's trail; those between are of no region, or of another
    seq            bigint NOT NULL,      -- of the record in the log
    at             timestamptz NOT NULL,
    action         text NOT NULL,
    target         text,
    user_name      text NOT NULL,
    address        text,
    done           boolean NOT NULL,     -- false: it was refused
    previous_state text,
    new_state      text,
    reason         text,
    record         bytea NOT NULL,       -- BLAKE2b-256 of the record's text
    chain          bytea NOT NULL,
    PRIMARY KEY (log, number)
);
COMMENT ON TABLE penstock.audit IS 'Entries of the audit trail that concern this region, each once.';
CREATE INDEX audit_at ON penstock.audit (at);
