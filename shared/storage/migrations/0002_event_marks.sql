-- why: what was found wrong with an event is learned when it is accepted and belongs to it for good: whoever asks why a
-- profile does not show what an event says finds the answer beside the event. Older events have no marks.
ALTER TABLE events
    -- A list of {document, path, reason, description}; null where nothing was wrong.
    ADD COLUMN problems   jsonb,
    -- It does not fit the Schema of its type: no mapping and no workflow saw it.
    ADD COLUMN invalid    boolean NOT NULL DEFAULT false,
    -- Recorded after the fact: no workflow ran for it, and nothing was delivered because of it alone.
    ADD COLUMN historical boolean NOT NULL DEFAULT false;
