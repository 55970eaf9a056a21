-- Which log this is: drawn when it is made, so that another one in its place is told from it.

CREATE TABLE identity (name text NOT NULL);

INSERT INTO identity VALUES (gen_random_uuid()::text);
