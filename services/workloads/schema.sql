-- The tables of the database routes; safe to run again. Values are a function of the id
-- (workloads.item_value), so a client can check what it is sent.
CREATE TABLE IF NOT EXISTS items (id integer PRIMARY KEY, value integer NOT NULL);

INSERT INTO items SELECT id, id * 7919 % 10007 FROM generate_series(1, 10000) AS id ON CONFLICT DO NOTHING;

-- A write takes the next id of a sequence that starts over, so the table never grows past a million rows.
CREATE SEQUENCE IF NOT EXISTS entry_ids MAXVALUE 1000000 CYCLE;

CREATE TABLE IF NOT EXISTS entries (
    id integer PRIMARY KEY DEFAULT nextval('entry_ids'),
    value integer NOT NULL
);
