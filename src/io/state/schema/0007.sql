-- How a job is built, once that was chosen; `offer_arch` names an emulated architecture as `armhf emulated`.
ALTER TABLE jobs ADD COLUMN how TEXT;
