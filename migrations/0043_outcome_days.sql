-- A block of kept outcomes says for each of its days what holds on it (see store/outcomes_kept.h): those that say what
-- holds on all of them are made anew.
DELETE FROM outcome_pack;
