-- why: whoever asks what a changed workflow would do looks at the stored events of a type, whichever profiles they are of,
-- newest first, a page at a time.
CREATE INDEX events_by_type ON events (tenant, type, time DESC, id DESC, received DESC);

ALTER TABLE events
    -- The one workflow that it was recorded to run; null where its type decides.
    ADD COLUMN workflow text COLLATE "C";
